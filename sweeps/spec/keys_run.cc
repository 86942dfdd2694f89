// The keys of `resources`, `retry` and `keep`: where trials run, and what becomes of them.
#include "common/failure_kinds.h"
#include "sweeps/spec/keys.h"

namespace lorikeet::spec {
namespace {

constexpr std::int64_t kMostGpus = 1024;  // no host has more
constexpr std::int64_t kMostAttempts = 1000, kMostInterruptions = 100'000;

Type Tries() { return Whole(1, kMostAttempts); }
Type Backoff() { return Lasting(std::chrono::milliseconds(0)); }
Type HowLong() { return Either({OneOf({"forever"}), Lasting(std::chrono::milliseconds(0))}); }

}  // namespace

const Keys& ResourceKeys() {
  static const auto& keys = *new Keys{
      {"gpus", Whole(0, kMostGpus), Is("0"),
       "GPUs a trial takes; 0: one slot of any kind. It trains on the first of them: one trial on several "
       "GPUs is not "
       "there yet"},
      {"memory", Plain(Type::Of::kSize), Words("any"),
       "of the GPU, or of the process on CPUs: what a slot must have, and what the trial is held to. Where "
       "it runs out "
       "the micro-batch is halved and the trial goes on (event `out_of_memory`); with one document a "
       "micro-batch it "
       "fails as `oom`. [How it is counted on CPUs](adr/0001-memory-limit-on-cpus.md)"},
      {"threads", Whole(1), Words("the slot's"), "CPU threads"},
      {"labels", Plain(Type::Of::kLabels), Words("none"),
       "only workers that have all of them: `{gpu: a100, zone: x}` wants `sweep-worker --label gpu=a100 "
       "--label "
       "zone=x`. Names and values are letters, digits, `.`, `_`, `-` and `/`, a letter or digit first, at "
       "most 63 "
       "characters. `sweepctl run` gives them to the workers that it starts"},
  };
  return keys;
}

const Keys& KindKeys() {
  static const auto& keys = *new Keys{
      {"attempts", Tries(), Words("the section's"),
       "as `retry.attempts`, where the last failure is of this kind"},
      {"backoff", Backoff(), Words("the section's"), "as `retry.backoff`, likewise"},
  };
  return keys;
}

const Keys& KindsKeys() {
  static const Type kType = Either({OneOf({"never"}), MappingOf(KindKeys)});
  static const auto& keys = *new Keys{
      {failure::kCrashed, kType, Words("as the others"), "`never`, or other `attempts` and `backoff`"},
      {failure::kOom, kType, Words("as the others"), "likewise"},
      {failure::kTimedOut, kType, Words("as the others"), "likewise"},
  };
  return keys;
}

const Keys& RetryKeys() {
  static const auto& keys = *new Keys{
      {"attempts", Tries(), Is("3"),
       "of a trial that fails by its own fault; an attempt lost with its worker does not count"},
      {"backoff", Backoff(), Is("30s"),
       "before the second attempt; doubled after each failure, up to an hour"},
      {"kinds", MappingOf(KindsKeys), Words("none"),
       "what differs by the kind of failure: [below](#kinds-of-failure)"},
      {"interruptions", Whole(0, kMostInterruptions), Is("20"),
       "how often a trial may be lost with its worker or handed back (drained, pre-empted, refused) before "
       "it counts "
       "as failed, as `lost`; these are no failures and use up no attempts"},
  };
  return keys;
}

const Keys& KeepKeys() {
  static const auto& keys = *new Keys{
      {"checkpoints", HowLong(), Is("7d"),
       "the coordinator's checkpoints of trials that failed, from which a `sweepctl retry` goes on; those of "
       "trials "
       "that ended otherwise go at once"},
      {"artifacts", HowLong(), Is("forever"), "the adapters that trials kept, for `sweepctl fetch`"},
      {"logs", HowLong(), Is("forever"),
       "what trainers said; results, metrics and the rest of the history always stay"},
  };
  return keys;
}

}  // namespace lorikeet::spec
