#include "coordinator/web/overview_families.h"

#include "coordinator/core/types.h"
#include "coordinator/web/families.h"

namespace lorikeet::web {
namespace {

// One sample a state, in the states' order.
template <typename State, typename Counts>
std::vector<Sample> ByState(const Counts& counts) {
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    samples.push_back({{{"state", core::Name(static_cast<State>(i))}}, static_cast<double>(counts.at(i))});
  }
  return samples;
}

std::vector<Sample> BySweep(const service::Overview& overview) {
  std::vector<Sample> samples;
  for (const service::Overview::SweepTrials& sweep : overview.open_sweeps) {
    for (Sample& sample : ByState<core::TrialState>(sweep.trials)) {
      sample.labels.insert(sample.labels.begin(), {"sweep", sweep.sweep});
      samples.push_back(std::move(sample));
    }
  }
  return samples;
}

}  // namespace

std::vector<prometheus::MetricFamily> OverviewFamilies(const service::Overview& overview) {
  const auto number = [](std::int64_t count) { return static_cast<double>(count); };
  return {
      Gauges("lorikeet_sweeps", "Sweeps by state.", ByState<core::SweepState>(overview.sweeps)),
      Gauges("lorikeet_trials", "Trials of all sweeps by state.", ByState<core::TrialState>(overview.trials)),
      Gauges("lorikeet_sweep_trials", "Trials by state, of the newest 50 sweeps that have not ended.",
             BySweep(overview)),
      Gauge("lorikeet_trials_backing_off", "Pending trials that wait after a failure.",
            number(overview.trials_backing_off)),
      Gauge("lorikeet_attempts_lost",
            "Attempts whose lease ran out and whose trial nobody else has been given yet.",
            number(overview.attempts_lost)),
      Gauge("lorikeet_workers_known", "Workers that have ever connected.", number(overview.workers_known)),
      Gauge("lorikeet_workers_connected", "Workers with an open session.",
            number(overview.workers_connected)),
      Gauge("lorikeet_workers_draining", "Connected workers that drain or have drained.",
            number(overview.workers_draining)),
      Gauge("lorikeet_workers_quarantined",
            "Connected workers that get nothing new until they are readmitted.",
            number(overview.workers_quarantined)),
      Gauge("lorikeet_slots", "Slots of the connected workers.", number(overview.slots)),
      Gauge("lorikeet_slots_busy", "Slots of the connected workers that a trial has.",
            number(overview.slots_busy)),
      Gauge("lorikeet_disk_reserve_hit",
            "1 while nothing is granted because the disk has less than its reserve left.",
            overview.short_of_room ? 1 : 0)};
}

}  // namespace lorikeet::web
