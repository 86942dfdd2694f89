#include "coordinator/service/files.h"

#include <fmt/format.h>

#include "coordinator/service/attempts.h"

namespace lorikeet::service {
namespace {

constexpr std::size_t kShown = 12;  // of 64 characters: enough to tell them apart

std::string Describe(State& state, const core::Fingerprint& found, const core::SweepFile& fixed) {
  const std::string its = found.value.empty() ? found.error : found.value.substr(0, kShown) + "…";
  const WorkerRecord* first = state.FindWorker(fixed.worker_id);
  return fmt::format("{}: {}, where {} has {}…", found.name, its, first->worker.hostname,
                     fixed.value.substr(0, kShown));
}

Status TurnAway(Change& change, const std::string& attempt_id, const std::string& why) {
  State& state = change.state();
  const core::Attempt& attempt = change.attempt(attempt_id);
  const core::Trial& trial = change.trial(attempt.trial_id);
  const Session* session = state.SessionOf(attempt.worker_id);
  change.PutBar({.worker_id = attempt.worker_id,
                 .sweep_id = trial.sweep_id,
                 .process = session == nullptr ? "" : session->origin.process,
                 .reason = why,
                 .barred_at = change.now()});
  change.NoteWorker(change.Peek(attempt.worker_id), "barred", why, trial.sweep_id);
  change.Send(attempt.worker_id, Revoke{.attempt_id = attempt.id,
                                        .token = attempt.token,
                                        .checkpoint = false,
                                        .trial_over = false,
                                        .reason = "this host's files are not the sweep's: " + why});
  return ReturnUncounted(change, attempt_id, "its worker's files are not the sweep's: " + why);
}

}  // namespace

StatusOr<bool> CheckFiles(Change& change, const std::string& attempt_id,
                          const std::vector<core::Fingerprint>& found) {
  const core::Attempt& attempt = change.attempt(attempt_id);
  const std::string sweep_id = change.trial(attempt.trial_id).sweep_id;
  std::string why;
  for (const core::Fingerprint& one : found) {
    const core::SweepFile* fixed = change.FindFile(sweep_id, one.name);
    if (fixed == nullptr || fixed->value == one.value) continue;
    why += (why.empty() ? "" : "; ") + Describe(change.state(), one, *fixed);
  }
  if (!why.empty()) {
    RETURN_IF_ERROR(TurnAway(change, attempt_id, why));
    return false;
  }
  for (const core::Fingerprint& one : found) {
    if (one.value.empty() || change.FindFile(sweep_id, one.name) != nullptr) continue;
    change.Fix({.sweep_id = sweep_id,
                .name = one.name,
                .value = one.value,
                .worker_id = attempt.worker_id,
                .fixed_at = change.now()});
  }
  return true;
}

void LiftBars(Change& change, const std::string& worker_id, const std::string& process) {
  const WorkerRecord& record = *change.state().FindWorker(worker_id);
  for (const auto& [sweep_id, bar] : record.bars) {
    if (!process.empty() && bar.process == process) continue;
    change.LiftBar(worker_id, sweep_id);
    change.NoteWorker(record.worker, "unbarred", record.worker.hostname, sweep_id);
  }
}

}  // namespace lorikeet::service
