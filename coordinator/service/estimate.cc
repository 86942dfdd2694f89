#include "coordinator/service/estimate.h"

#include <algorithm>
#include <map>

#include "coordinator/core/state_machine.h"
#include "coordinator/scheduler/fleet.h"

namespace lorikeet::service {
namespace {

struct Sample {
  std::int64_t trials = 0;
  double seconds = 0;
};

bool IsReference(const std::string& arm) { return arm == "zero_shot" || arm == "lead"; }

// Mean seconds of a trial: of its configuration, else of its arm, else of all arms that train.
class Means {
 public:
  explicit Means(const SweepRecord& sweep) {
    for (const auto& [id, record] : sweep.configurations) {
      Add(arms_[record.configuration.arm], record);
      if (!IsReference(record.configuration.arm)) Add(training_, record);
    }
  }
  std::optional<double> Of(const ConfigurationRecord& record) const {
    if (record.timed > 0) return record.seconds / static_cast<double>(record.timed);
    const Sample& arm = arms_.at(record.configuration.arm);
    if (arm.trials > 0) return arm.seconds / static_cast<double>(arm.trials);
    if (IsReference(record.configuration.arm) || training_.trials == 0) return std::nullopt;
    return training_.seconds / static_cast<double>(training_.trials);
  }

 private:
  static void Add(Sample& sample, const ConfigurationRecord& record) {
    sample.trials += record.timed;
    sample.seconds += record.seconds;
  }
  std::map<std::string, Sample> arms_;
  Sample training_;
};

}  // namespace

std::optional<double> SecondsLeft(State& state, const SweepRecord& sweep, SteadyTime now) {
  if (sweep.sweep.state != core::SweepState::kRunning || sweep.Open() == 0) return std::nullopt;
  const Means means(sweep);
  double work = 0, longest = 0;
  for (const auto& [id, record] : sweep.configurations) {
    const std::int64_t pending = record.trials.at(static_cast<std::size_t>(core::TrialState::kPending));
    if (pending == 0) continue;
    const std::optional<double> mean = means.Of(record);
    if (!mean) return std::nullopt;
    work += *mean * static_cast<double>(pending);
    longest = std::max(longest, *mean);
  }
  for (const auto& [id, record] : state.attempts()) {
    const core::Trial& trial = state.TrialOf(record)->trial;
    if (trial.sweep_id != sweep.sweep.id || !core::IsLeased(record.attempt.state)) continue;
    const std::optional<double> mean = means.Of(sweep.configurations.at(trial.configuration_id));
    if (!mean) return std::nullopt;
    const double so_far = record.granted ? std::chrono::duration<double>(now - *record.granted).count() : 0.0;
    const double left = std::max(0.0, *mean - so_far);
    work += left;
    longest = std::max(longest, left);
  }
  const core::Trial& any = sweep.trials.front()->trial;
  std::int64_t capacity = scheduler::Capacity(state.fleet, state.DemandOf(any));
  if (sweep.sweep.max_running) capacity = std::min(capacity, *sweep.sweep.max_running);
  if (capacity == 0) return std::nullopt;
  return std::max(longest, work / static_cast<double>(std::min(capacity, sweep.Open())));
}

}  // namespace lorikeet::service
