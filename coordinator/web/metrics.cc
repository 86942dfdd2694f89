#include "coordinator/web/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "common/failure_kinds.h"
#include "coordinator/core/types.h"
#include "coordinator/web/families.h"
#include "coordinator/web/machine.h"
#include "coordinator/web/overview_families.h"

namespace lorikeet::web {
namespace {

// A turn has one commit, which is one fsync: from a fast disk's to one that hangs.
const prometheus::Histogram::BucketBoundaries kTurnSeconds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                              0.1,    0.25,  0.5,    1,     2.5,  5,     10};

double Seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

prometheus::Counter& MakeCounter(prometheus::Registry& registry, const std::string& name,
                                 const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

// Counters of one name by one label, whose usual values are there from the start: a rate needs a zero to
// begin at, and they are found without a lock.
class ByLabel {
 public:
  ByLabel(prometheus::Registry& registry, const std::string& name, const std::string& help, std::string label,
          const std::vector<std::string>& usual)
      : family_(prometheus::BuildCounter().Name(name).Help(help).Register(registry)),
        label_(std::move(label)) {
    for (const std::string& value : usual) usual_.emplace(value, &family_.Add({{label_, value}}));
  }
  void Add(const std::string& value, std::int64_t more = 1) {
    const auto found = usual_.find(value);
    prometheus::Counter& counter = found != usual_.end() ? *found->second : family_.Add({{label_, value}});
    counter.Increment(static_cast<double>(more));
  }
  // What is not among the usual counts as "other": it comes from outside, and a label's values must be few.
  void AddKnown(const std::string& value, std::int64_t more) {
    Add(usual_.contains(value) ? value : "other", more);
  }

 private:
  prometheus::Family<prometheus::Counter>& family_;
  const std::string label_;
  std::map<std::string, prometheus::Counter*> usual_;
};

}  // namespace

struct Metrics::Counted {
  prometheus::Registry registry;

  prometheus::Counter& submitted =
      MakeCounter(registry, "lorikeet_sweeps_submitted_total", "Sweeps taken in.");
  prometheus::Counter& grants =
      MakeCounter(registry, "lorikeet_grants_total", "Attempts granted to workers.");
  prometheus::Counter& results =
      MakeCounter(registry, "lorikeet_results_total", "Results committed: trials that succeeded.");
  prometheus::Counter& expired = MakeCounter(registry, "lorikeet_leases_expired_total",
                                             "Leases that ran out without a word of their worker.");
  prometheus::Counter& events =
      MakeCounter(registry, "lorikeet_events_total", "Events of attempts committed, metric points included.");
  prometheus::Counter& points =
      MakeCounter(registry, "lorikeet_metric_points_total", "Points of learning curves committed.");
  prometheus::Counter& quarantines =
      MakeCounter(registry, "lorikeet_quarantines_total", "Workers that were quarantined.");
  ByLabel ended{
      registry,
      "lorikeet_attempts_ended_total",
      "Attempts that ended, by how: succeeded, returned, superseded, cancelled, or what failed them.",
      "outcome",
      {"succeeded", "returned", "superseded", "cancelled", failure::kBadInput, failure::kDiverged,
       failure::kOom, failure::kCrashed, failure::kTimedOut, failure::kLost, "other"}};
  prometheus::Counter& turns = MakeCounter(registry, "lorikeet_turns_total", "Turns of the service.");
  prometheus::Counter& failed_turns =
      MakeCounter(registry, "lorikeet_turns_failed_total",
                  "Turns that came to nothing: no room on the disk, or an error.");
  prometheus::Histogram& turn_seconds = prometheus::BuildHistogram()
                                            .Name("lorikeet_turn_duration_seconds")
                                            .Help("How long a turn took, its commit included.")
                                            .Register(registry)
                                            .Add({}, kTurnSeconds);
  prometheus::Histogram& commit_seconds = prometheus::BuildHistogram()
                                              .Name("lorikeet_commit_duration_seconds")
                                              .Help("How long a commit took: what the disk takes for a sync.")
                                              .Register(registry)
                                              .Add({}, kTurnSeconds);
  prometheus::Family<prometheus::Histogram>& answer_seconds =
      prometheus::BuildHistogram()
          .Name("lorikeet_answer_duration_seconds")
          .Help(
              "From a request's arrival to its answer after the commit: a worker's message (worker), a "
              "client's "
              "call that acts (change) or looks (look).")
          .Register(registry);
  prometheus::Histogram& worker_seconds = answer_seconds.Add({{"asked", "worker"}}, kTurnSeconds);
  prometheus::Histogram& change_seconds = answer_seconds.Add({{"asked", "change"}}, kTurnSeconds);
  prometheus::Histogram& look_seconds = answer_seconds.Add({{"asked", "look"}}, kTurnSeconds);
  prometheus::Gauge& waiting = prometheus::BuildGauge()
                                   .Name("lorikeet_requests_waiting")
                                   .Help("Requests that the last turn left for the next.")
                                   .Register(registry)
                                   .Add({});
  prometheus::Gauge& streams = prometheus::BuildGauge()
                                   .Name("lorikeet_worker_streams")
                                   .Help("Open streams of workers, with or without a session.")
                                   .Register(registry)
                                   .Add({});
  ByLabel streams_ended{
      registry,
      "lorikeet_worker_streams_ended_total",
      "Streams of workers that ended, by gRPC's code; OK: the worker or its connection went.",
      "code",
      {"OK", "CANCELLED", "UNAUTHENTICATED", "RESOURCE_EXHAUSTED", "INVALID_ARGUMENT"}};
  ByLabel refused{registry,
                  "lorikeet_messages_refused_total",
                  "Messages of workers that are over a limit or make no sense.",
                  "message",
                  {"hello", "renew", "events", "progress", "closed", "draining", "slots_changed", "unknown"}};
  ByLabel calls{registry,
                "lorikeet_client_calls_total",
                "Calls of clients, by gRPC's code.",
                "code",
                {"OK", "UNAUTHENTICATED", "PERMISSION_DENIED", "UNAVAILABLE"}};
};

Metrics::Metrics(MetricsOptions options, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      counted_(std::make_unique<Counted>()),
      overview_(std::make_shared<const service::Overview>()) {}

Metrics::~Metrics() = default;

std::string Metrics::Text() const {
  std::shared_ptr<const service::Overview> overview;
  {
    absl::MutexLock lock(&mutex_);
    overview = overview_;
  }
  std::vector<prometheus::MetricFamily> families = counted_->registry.Collect();
  const auto add = [&](std::vector<prometheus::MetricFamily> more) {
    families.insert(families.end(), std::make_move_iterator(more.begin()),
                    std::make_move_iterator(more.end()));
  };
  add(OverviewFamilies(*overview));
  add(DiskFamilies(options_.database_path));
  add(ProcessFamilies());
  add({Gauge("lorikeet_disk_reserve_bytes", "Below so much room on the disk nothing is granted.",
             static_cast<double>(options_.reserve_bytes)),
       Gauges("lorikeet_build_info", "1; its labels say which build this is.",
              {{{{"version", options_.version}, {"build", options_.build}}, 1}})});
  if (const auto since = SinceLastTurn())
    add({Gauge("lorikeet_seconds_since_last_turn", "How long the service has not finished a turn.",
               Seconds(*since))});
  return prometheus::TextSerializer().Serialize(families);
}

std::optional<Duration> Metrics::SinceLastTurn() const {
  const SteadyTime::rep last = last_turn_.load();
  if (last == 0) return std::nullopt;
  return clock_.Steady() - SteadyTime(Duration(last));
}

void Metrics::TurnDone(Duration time, bool failed) {
  last_turn_.store(clock_.Steady().time_since_epoch().count());
  counted_->turns.Increment();
  if (failed) counted_->failed_turns.Increment();
  counted_->turn_seconds.Observe(Seconds(time));
}

void Metrics::Committed(const service::Tally& tally, Duration time) {
  const auto add = [](prometheus::Counter& counter, std::int64_t more) {
    if (more > 0) counter.Increment(static_cast<double>(more));
  };
  counted_->commit_seconds.Observe(Seconds(time));
  add(counted_->submitted, tally.sweeps_submitted);
  add(counted_->grants, tally.grants);
  add(counted_->results, tally.results);
  add(counted_->expired, tally.leases_expired);
  add(counted_->events, tally.events);
  add(counted_->points, tally.metric_points);
  add(counted_->quarantines, tally.quarantines);
  for (const auto& [outcome, count] : tally.attempts_ended) counted_->ended.AddKnown(outcome, count);
}

void Metrics::Stands(const service::Overview& overview) {
  auto newest = std::make_shared<const service::Overview>(overview);
  absl::MutexLock lock(&mutex_);
  overview_.swap(newest);
}

void Metrics::Answered(Asked asked, Duration time) {
  switch (asked) {
    case Asked::kWorker:
      return counted_->worker_seconds.Observe(Seconds(time));
    case Asked::kChange:
      return counted_->change_seconds.Observe(Seconds(time));
    case Asked::kLook:
      return counted_->look_seconds.Observe(Seconds(time));
  }
}

void Metrics::Waiting(std::size_t requests) { counted_->waiting.Set(static_cast<double>(requests)); }
void Metrics::StreamOpened() { counted_->streams.Increment(); }
void Metrics::StreamEnded(const std::string& code) {
  counted_->streams.Decrement();
  counted_->streams_ended.Add(code);
}
void Metrics::MessageRefused(const std::string& message) { counted_->refused.Add(message); }
void Metrics::CallDone(const std::string& code) { counted_->calls.Add(code); }

}  // namespace lorikeet::web
