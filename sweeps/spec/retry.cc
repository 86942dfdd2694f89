#include "sweeps/spec/retry.h"

#include "common/failure_kinds.h"
#include "common/nearest.h"
#include "sweeps/spec/keys.h"
#include "sweeps/spec/mapping.h"

namespace lorikeet::spec {
namespace {

constexpr const char* kNever = "never";

// What both the section and one kind of it say; what they leave out stays as it is.
void ReadTries(const Mapping& mapping, std::int64_t& attempts, std::chrono::milliseconds& backoff) {
  if (const Value* value = mapping.Find("attempts")) {
    attempts = ReadInteger(*value, mapping.TypeOf("attempts")).value_or(attempts);
  }
  if (const Value* value = mapping.Find("backoff")) {
    backoff = ReadDuration(*value, mapping.TypeOf("backoff")).value_or(backoff);
  }
}

KindRetry ReadKind(const Value& value, KindRetry retry) {
  if (!value.IsMapping() && !value.IsNull()) {
    static const std::vector<std::string> kChoices = {kNever};
    const bool is_word = value.node.IsScalar();
    if (is_word && value.node.Scalar() == kNever && CheckTag(value)) {
      retry.attempts = 1;
    } else {
      value.Refuse("never, or a mapping of attempts and backoff, such as {attempts: 2, backoff: 10s}" +
                   (is_word ? DidYouMean(value.node.Scalar(), kChoices) : std::string()));
    }
    return retry;
  }
  const Mapping mapping = Mapping::ReadDeclared(value, KindKeys());
  ReadTries(mapping, retry.attempts, retry.backoff);
  return retry;
}

// Whether they come to the same: without a second attempt nobody waits for it.
bool Same(const KindRetry& a, const KindRetry& b) {
  return a.attempts == b.attempts && (a.attempts == 1 || a.backoff == b.backoff);
}

std::map<std::string, KindRetry> ReadKinds(const Value& value, const KindRetry& otherwise) {
  static constexpr const char* kPermanent =
      "fails the same way each time, and is never tried again: leave it out";
  const Mapping mapping = Mapping::ReadDeclared(
      value, KindsKeys(),
      {{failure::kBadInput, kPermanent},
       {failure::kDiverged, kPermanent},
       {failure::kLost, "an interruption, not a failure: retry.interruptions says how many a trial may have"},
       {failure::kCancelled,
        "a person's doing, and only a person undoes it, with sweepctl retry: leave it out"}});
  std::map<std::string, KindRetry> kinds;
  for (const Mapping::Entry& entry : mapping.entries()) {
    KindRetry kind = ReadKind(entry.value, otherwise);
    if (kind.attempts == 1) kind.backoff = otherwise.backoff;
    if (!Same(kind, otherwise)) kinds[entry.key] = kind;
  }
  return kinds;
}

}  // namespace

RetryPolicy ReadRetry(const Value& value) {
  RetryPolicy retry;
  const Mapping mapping = Mapping::ReadDeclared(value, RetryKeys());
  ReadTries(mapping, retry.attempts, retry.backoff);
  if (const Value* kinds = mapping.Find("kinds")) {
    retry.kinds = ReadKinds(*kinds, {retry.attempts, retry.backoff});
  }
  if (const Value* most = mapping.Find("interruptions")) {
    retry.interruptions = ReadInteger(*most, mapping.TypeOf("interruptions")).value_or(retry.interruptions);
  }
  return retry;
}

}  // namespace lorikeet::spec
