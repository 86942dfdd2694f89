#include "coordinator/service/state.h"

#include <algorithm>
#include <utility>

#include "coordinator/core/retry.h"
#include "coordinator/core/state_machine.h"

namespace lorikeet::service {
namespace {

template <typename Map, typename Key>
auto* Find(Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

}  // namespace

void State::AddSweep(core::Sweep sweep, std::int64_t memory_bytes) {
  sweep_ids_[sweep.name] = sweep.id;
  SweepRecord& record = sweeps_[sweep.id];
  record.sweep = std::move(sweep);
  record.memory_bytes = memory_bytes;
  if (!record.sweep.labels.empty()) record.labels = std::make_shared<const Labels>(record.sweep.labels);
  SetRules(record);
}

void State::AddConfiguration(const core::Configuration& configuration) {
  SweepRecord& sweep = sweeps_.at(configuration.sweep_id);
  core::Configuration& known = sweep.configurations[configuration.id].configuration;
  known = configuration;
  known.trial.clear();  // the store has it
  if (configuration.baseline) sweep.baseline_id = configuration.id;
  if (configuration.candidate_of != 0)
    sweep.candidates[configuration.candidate_of].push_back(configuration.id);
}

void State::AddTrial(core::Trial trial) {
  SweepRecord& sweep = sweeps_.at(trial.sweep_id);
  Count(trial, 1);
  if (trial.state == core::TrialState::kRunning && sweep.sweep.max_running) SetRules(sweep);
  Enqueue(trial);
  TrialRecord& record = trials_.emplace_back();
  record.trial = std::move(trial);
  sweep.trials.push_back(&record);
  sweep.trials_by_name.Add(&record);
  trials_by_id_.Add(&record);
}

void State::Install(const core::Sweep& sweep) {
  SweepRecord& record = sweeps_.at(sweep.id);
  record.sweep = sweep;
  SetRules(record);
  plan_is_stale = true;
  if (core::IsFinal(sweep.state)) {
    due.ended.insert(sweep.id);
  } else {
    due.ended.erase(sweep.id);
  }
}

void State::SetRules(const SweepRecord& sweep) {
  const scheduler::Queue::Rules rules{.name = sweep.sweep.name,
                                      .priority = sweep.sweep.priority,
                                      .paused = sweep.sweep.state == core::SweepState::kPaused,
                                      .max_running = sweep.sweep.max_running,
                                      .running = sweep.Count(core::TrialState::kRunning),
                                      .barred = &sweep.barred};
  queue.SetRules(sweep.sweep.id, rules);
}

void State::Install(core::Trial trial) {
  TrialRecord& record = *trials_by_id_.Find(trial.id);
  const bool moves = record.trial.state != trial.state;
  const bool ended = core::IsFinal(trial.state), had_ended = core::IsFinal(record.trial.state);
  Count(record.trial, -1);
  Count(trial, 1);
  Enqueue(trial);
  if (const SweepRecord& sweep = sweeps_.at(trial.sweep_id); moves && sweep.sweep.max_running) {
    SetRules(sweep);
    plan_is_stale = true;  // one more of it may run, though no slot has come free
  }
  if (ended != had_ended) MarkDue(trial, ended);
  record.trial = std::move(trial);
}

void State::Install(const core::Attempt& attempt) {
  TrialRecord& trial = *trials_by_id_.Find(attempt.trial_id);
  const auto known = attempts_.find(attempt.id);
  if (core::IsFinal(attempt.state)) {
    if (trial.attempt_id == attempt.id) trial.attempt_id.clear();
    SweepRecord& sweep = sweeps_.at(trial.trial.sweep_id);
    if (sweep.documents_from == attempt.id) sweep.documents_from.clear();
    if (known == attempts_.end()) return;
    if (known->second.lease_until) leases_.erase({*known->second.lease_until, attempt.id});
    attempts_.erase(known);
    const auto on = attempts_on_.find(attempt.worker_id);
    on->second.erase(attempt.id);
    if (on->second.empty()) attempts_on_.erase(on);
    return;
  }
  AttemptRecord& record = known == attempts_.end() ? attempts_[attempt.id] : known->second;
  record.attempt = attempt;
  attempts_on_[attempt.worker_id].insert(attempt.id);
  if (!core::IsLeased(attempt.state)) {
    if (record.lease_until) leases_.erase({*record.lease_until, attempt.id});
    record.lease_until.reset();
    SweepRecord& sweep = sweeps_.at(trial.trial.sweep_id);
    if (sweep.documents_from == attempt.id) sweep.documents_from.clear();  // who knows whether it comes back
  }
  trial.attempt_id = attempt.id;
  trial.worker_id = attempt.worker_id;
  trial.device = attempt.device;
}

void State::Install(const core::Worker& worker) {
  workers_[worker.id].worker = worker;
  const auto offered = fleet.find(worker.id);
  if (offered == fleet.end() || offered->second.quarantined == !worker.quarantine.empty()) return;
  offered->second.quarantined = !worker.quarantine.empty();
  plan_is_stale = true;
}

void State::Install(core::SweepFile file) {
  const std::string name = file.name;
  sweeps_.at(file.sweep_id).files[name] = std::move(file);
}

void State::Install(core::Bar bar) {
  WorkerRecord& worker = workers_.at(bar.worker_id);
  sweeps_.at(bar.sweep_id).barred[bar.worker_id] = worker.worker.hostname + ": " + bar.reason;
  const std::string sweep_id = bar.sweep_id;
  worker.bars[sweep_id] = std::move(bar);
}

void State::RemoveBar(const std::string& worker_id, const std::string& sweep_id) {
  workers_.at(worker_id).bars.erase(sweep_id);
  sweeps_.at(sweep_id).barred.erase(worker_id);
  plan_is_stale = true;
}

void State::ForgetFiles(const std::string& sweep_id) {
  SweepRecord& sweep = sweeps_.at(sweep_id);
  sweep.files.clear();
  for (const auto& [worker_id, why] : std::exchange(sweep.barred, {}))
    workers_.at(worker_id).bars.erase(sweep_id);
  plan_is_stale = true;
}

void State::MarkDue(const core::Trial& trial, bool ended) {
  SweepRecord& sweep = sweeps_.at(trial.sweep_id);
  const core::Configuration& configuration = sweep.configurations.at(trial.configuration_id).configuration;
  MarkRow(sweep, configuration.candidate_of != 0 ? configuration.candidate_of : configuration.id);
  if (configuration.candidate_of == 0)
    MarkCompared(sweep, configuration.id, ended);  // no test reads the others
}

void State::MarkRow(const SweepRecord& sweep, std::int64_t row_id) {
  const ConfigurationRecord& row = sweep.configurations.at(row_id);
  if (!row.configuration.Undecided()) return;
  const std::vector<std::int64_t>& candidates = sweep.candidates.at(row_id);
  const bool tried = std::all_of(candidates.begin(), candidates.end(),
                                 [&](std::int64_t id) { return sweep.configurations.at(id).Open() == 0; });
  if (tried && row.Open() > 0) {
    due.rows.emplace(sweep.sweep.id, row_id);
  } else {
    due.rows.erase({sweep.sweep.id, row_id});
  }
}

void State::NoteChosen(const std::string& sweep_id, std::int64_t row_id, std::int64_t candidate_id,
                       const std::string& edge) {
  SweepRecord& sweep = sweeps_.at(sweep_id);
  core::Configuration& row = sweep.configurations.at(row_id).configuration;
  row.chosen_id = candidate_id;
  row.edge = edge;
  row.settings = sweep.configurations.at(candidate_id).configuration.settings;
  for (const TrialRecord* trial : sweep.trials) {
    if (trial->trial.configuration_id == row_id) Enqueue(trial->trial);
  }
}

void State::MarkCompared(SweepRecord& sweep, std::int64_t configuration_id, bool ended) {
  const bool of_baseline = configuration_id == sweep.baseline_id;
  if (of_baseline && due.baseline_id == sweep.baseline_id) due.baseline.reset();
  if (ended && sweep.configurations.at(configuration_id).Open() > 0) return;
  const auto mark = [&](ConfigurationRecord& record) {
    if (ended) {
      due.configurations.emplace(sweep.sweep.id, record.configuration.id);
    } else if (std::exchange(record.compared, false)) {  // its rows went with the change
      due.sweeps.insert(sweep.sweep.id);
    }
  };
  if (!of_baseline) return mark(sweep.configurations.at(configuration_id));
  for (auto& [id, record] : sweep.configurations) {
    if (record.configuration.candidate_of == 0) mark(record);
  }
}

void State::NoteCompared(const std::string& sweep_id, std::int64_t configuration_id) {
  sweeps_.at(sweep_id).configurations.at(configuration_id).compared = true;
  due.sweeps.insert(sweep_id);
}

void State::MarkAllDue() {
  for (auto& [sweep_id, sweep] : sweeps_) {
    for (const auto& [id, record] : sweep.configurations) MarkRow(sweep, id);
    if (sweep.baseline_id == 0 || sweep.configurations.at(sweep.baseline_id).Open() > 0) continue;
    for (auto& [id, record] : sweep.configurations) {
      if (!record.compared && record.Open() == 0 && id != sweep.baseline_id &&
          record.configuration.candidate_of == 0)
        due.configurations.emplace(sweep_id, id);
    }
  }
}

void State::SetLease(const std::string& attempt_id, SteadyTime until) {
  AttemptRecord& record = attempts_.at(attempt_id);
  if (record.lease_until) leases_.erase({*record.lease_until, attempt_id});
  record.lease_until = until;
  leases_.emplace(until, attempt_id);
}

std::vector<std::string> State::ExpiredBy(SteadyTime now) const {
  std::vector<std::string> expired;
  for (const auto& [until, attempt] : leases_) {
    if (until > now) break;
    expired.push_back(attempt);
  }
  return expired;
}

void State::SetAllLeases(SteadyTime until) {
  leases_.clear();
  for (auto& [id, record] : attempts_) {
    if (!core::IsLeased(record.attempt.state)) continue;
    record.lease_until = until;
    leases_.emplace(until, id);
  }
}

SweepRecord* State::FindSweep(const std::string& id) { return Find(sweeps_, id); }
TrialRecord* State::FindTrial(const std::string& id) { return trials_by_id_.Find(id); }
AttemptRecord* State::FindAttempt(const std::string& id) { return Find(attempts_, id); }
WorkerRecord* State::FindWorker(const std::string& id) { return Find(workers_, id); }
Session* State::FindSession(std::int64_t id) { return Find(sessions, id); }

Session* State::SessionOf(const std::string& worker_id) {
  const WorkerRecord* worker = FindWorker(worker_id);
  return worker == nullptr ? nullptr : FindSession(worker->session);
}

const std::string* State::SweepIdByName(const std::string& name) const { return Find(sweep_ids_, name); }

std::vector<TrialRecord*> State::TrialsByName(const std::string& name) const {
  std::vector<TrialRecord*> trials;
  for (const auto& [id, sweep] : sweeps_) {
    if (TrialRecord* record = sweep.trials_by_name.Find(name); record != nullptr) trials.push_back(record);
  }
  return trials;
}

const std::set<std::string>& State::AttemptsOn(const std::string& worker_id) const {
  static const std::set<std::string> kNone;
  const auto found = attempts_on_.find(worker_id);
  return found == attempts_on_.end() ? kNone : found->second;
}

scheduler::Demand State::DemandOf(const core::Trial& trial) const {
  return {.slots = trial.slots,
          .needs_gpu = trial.needs_gpu,
          .memory_bytes = sweeps_.at(trial.sweep_id).memory_bytes,
          .labels = sweeps_.at(trial.sweep_id).labels};
}

void State::Count(const core::Trial& trial, std::int64_t more) {
  SweepRecord& sweep = sweeps_.at(trial.sweep_id);
  const auto state = static_cast<std::size_t>(trial.state);
  sweep.counts.at(state) += more;
  sweep.configurations.at(trial.configuration_id).trials.at(state) += more;
}

void State::Enqueue(const core::Trial& trial) {
  const SweepRecord& sweep = sweeps_.at(trial.sweep_id);
  // What a row's trials run is not known before one of its candidates is chosen.
  const bool held = sweep.configurations.at(trial.configuration_id).configuration.Undecided();
  if (trial.state != core::TrialState::kPending || core::IsFinal(sweep.sweep.state) || held) {
    queue.Remove(trial.id);
    return;
  }
  // Stored as wall time, which may have jumped since; counted on the steady clock.
  const SteadyTime now = clock_->Steady();
  SteadyTime ready_at = now;
  if (trial.not_before) {
    ready_at +=
        std::clamp<Duration>(*trial.not_before - clock_->Wall(), Duration::zero(), core::kLongestBackoff);
  }
  queue.Put({.trial_id = trial.id,
             .sweep_id = trial.sweep_id,
             .position = trial.position,
             .demand = DemandOf(trial),
             .last_worker_id = trial.last_worker_id,
             .ready_at = ready_at},
            now);
  plan_is_stale = true;
}

}  // namespace lorikeet::service
