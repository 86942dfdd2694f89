#include "coordinator/service/state.h"

#include <algorithm>

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

std::int64_t SweepRecord::Count(core::TrialState state) const {
  std::int64_t count = 0;
  for (const auto& [id, configuration] : configurations) {
    count += configuration.trials.at(static_cast<std::size_t>(state));
  }
  return count;
}

void State::AddSweep(core::Sweep sweep, std::int64_t memory_bytes) {
  sweep_ids_[sweep.name] = sweep.id;
  SweepRecord& record = sweeps_[sweep.id];
  record.sweep = std::move(sweep);
  record.memory_bytes = memory_bytes;
}

void State::AddConfiguration(const core::Configuration& configuration) {
  sweeps_.at(configuration.sweep_id).configurations[configuration.id].configuration = configuration;
}

void State::AddTrial(core::Trial trial) {
  trial.settings.clear();  // the store has them
  SweepRecord& sweep = sweeps_.at(trial.sweep_id);
  sweep.trials.push_back(trial.id);
  ++sweep.configurations.at(trial.configuration_id).trials.at(static_cast<std::size_t>(trial.state));
  trial_ids_.emplace(trial.name, trial.id);
  Enqueue(trial);
  const std::string id = trial.id;
  trials_[id].trial = std::move(trial);
}

void State::Install(const core::Sweep& sweep) { sweeps_.at(sweep.id).sweep = sweep; }

void State::Install(core::Trial trial) {
  TrialRecord& record = trials_.at(trial.id);
  auto& counts = sweeps_.at(trial.sweep_id).configurations.at(trial.configuration_id).trials;
  --counts.at(static_cast<std::size_t>(record.trial.state));
  ++counts.at(static_cast<std::size_t>(trial.state));
  Enqueue(trial);
  record.trial = std::move(trial);
}

void State::Install(const core::Attempt& attempt) {
  TrialRecord& trial = trials_.at(attempt.trial_id);
  const auto known = attempts_.find(attempt.id);
  if (core::IsFinal(attempt.state)) {
    if (trial.attempt_id == attempt.id) trial.attempt_id.clear();
    SweepRecord& sweep = sweeps_.at(trial.trial.sweep_id);
    if (sweep.documents_from == attempt.id) sweep.documents_from.clear();
    if (known == attempts_.end()) return;
    if (known->second.lease_until) leases_.erase({*known->second.lease_until, attempt.id});
    attempts_.erase(known);
    return;
  }
  AttemptRecord& record = known == attempts_.end() ? attempts_[attempt.id] : known->second;
  record.attempt = attempt;
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

void State::Install(const core::Worker& worker) { workers_[worker.id].worker = worker; }

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
TrialRecord* State::FindTrial(const std::string& id) { return Find(trials_, id); }
AttemptRecord* State::FindAttempt(const std::string& id) { return Find(attempts_, id); }
WorkerRecord* State::FindWorker(const std::string& id) { return Find(workers_, id); }
Session* State::FindSession(std::int64_t id) { return Find(sessions, id); }

Session* State::SessionOf(const std::string& worker_id) {
  const WorkerRecord* worker = FindWorker(worker_id);
  return worker == nullptr ? nullptr : FindSession(worker->session);
}

const std::string* State::SweepIdByName(const std::string& name) const { return Find(sweep_ids_, name); }

std::vector<std::string> State::TrialIdsByName(const std::string& name) const {
  std::vector<std::string> ids;
  const auto [begin, end] = trial_ids_.equal_range(name);
  for (auto at = begin; at != end; ++at) ids.push_back(at->second);
  return ids;
}

std::vector<std::string> State::AttemptsOn(const std::string& worker_id) const {
  std::vector<std::string> ids;
  for (const auto& [id, record] : attempts_) {
    if (record.attempt.worker_id == worker_id) ids.push_back(id);
  }
  return ids;
}

scheduler::Demand State::DemandOf(const core::Trial& trial, const SweepRecord& sweep) const {
  return {.slots = trial.slots, .needs_gpu = trial.needs_gpu, .memory_bytes = sweep.memory_bytes};
}

void State::Enqueue(const core::Trial& trial) {
  const SweepRecord& sweep = sweeps_.at(trial.sweep_id);
  if (trial.state != core::TrialState::kPending || sweep.sweep.state != core::SweepState::kRunning) {
    queue.Remove(trial.id);
    return;
  }
  // Stored as wall time, which may have jumped since; counted on the steady clock.
  const SteadyTime now = clock_.Steady();
  SteadyTime ready_at = now;
  if (trial.not_before) {
    ready_at +=
        std::clamp<Duration>(*trial.not_before - clock_.Wall(), Duration::zero(), core::kLongestBackoff);
  }
  queue.Put({.trial_id = trial.id,
             .sweep_id = trial.sweep_id,
             .position = trial.position,
             .demand = DemandOf(trial, sweep),
             .last_worker_id = trial.last_worker_id,
             .ready_at = ready_at},
            now);
}

}  // namespace lorikeet::service
