#include "coordinator/service/artifacts.h"

#include <algorithm>
#include <optional>

#include "coordinator/core/state_machine.h"
#include "coordinator/service/lookup.h"

namespace lorikeet::service {
namespace {

using core::ArtifactKind;

double Mebibytes(std::int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

Status Stale(core::Token token, const core::Trial& trial) {
  return Aborted("token {} is stale, {} is the newest of trial {}", token, trial.token, trial.id);
}

// Whether what is kept so long after `ended` may go.
bool IsOver(const std::optional<std::chrono::milliseconds>& keep, WallTime ended, WallTime now) {
  return keep && now - ended >= *keep;
}

}  // namespace

StatusOr<const TrialRecord*> Artifacts::Holder(const std::string& trial_id, const Lease& lease,
                                               const std::string& worker_id) {
  const TrialRecord* record = context_.state.FindTrial(trial_id);
  if (record == nullptr) return NotFound("there is no trial '{}'", trial_id);
  if (lease.token != record->trial.token) return Stale(lease.token, record->trial);
  ASSIGN_OR_RETURN(const std::vector<core::Attempt> attempts, context_.store.Attempts(trial_id));
  const bool holds = std::any_of(attempts.begin(), attempts.end(), [&](const core::Attempt& attempt) {
    return attempt.id == lease.attempt_id && attempt.token == lease.token && attempt.worker_id == worker_id;
  });
  if (!holds)
    return Aborted("attempt {} is not this worker's attempt of trial {}", lease.attempt_id, trial_id);
  return record;
}

Status Artifacts::CheckState(const core::Trial& trial, ArtifactKind kind) const {
  if (kind == ArtifactKind::kCheckpoint) {
    if (!core::IsFinal(trial.state)) return absl::OkStatus();
    return FailedPrecondition("trial {} has ended ({}): it needs no checkpoint", trial.id,
                              core::Name(trial.state));
  }
  if (trial.state == core::TrialState::kSucceeded) return absl::OkStatus();
  return FailedPrecondition("trial {} is {}: its adapter comes after its result", trial.id,
                            core::Name(trial.state));
}

Status Artifacts::CheckRoom(std::int64_t bytes) {
  const StatusOr<std::int64_t> free = context_.store.FreeBytes();
  if (!free.ok() || *free - bytes >= context_.options.reserve_bytes) return absl::OkStatus();
  return MakeStatus(
      absl::StatusCode::kResourceExhausted,
      "{:.1f} MiB are to come, and the coordinator's disk has {:.1f} MiB left, of which {:.1f} MiB stay free",
      Mebibytes(bytes), Mebibytes(*free), Mebibytes(context_.options.reserve_bytes));
}

StatusOr<std::string> Artifacts::Offer(const core::Artifact& artifact, const std::string& worker_id,
                                       std::int64_t coming) {
  ASSIGN_OR_RETURN(const TrialRecord* record,
                   Holder(artifact.trial_id, {artifact.attempt_id, artifact.token}, worker_id));
  RETURN_IF_ERROR(CheckState(record->trial, artifact.kind));
  RETURN_IF_ERROR(CheckRoom(coming + artifact.Bytes()));
  // A name of its own each time: the row of the one before it says where that one's files are.
  return fmt::format("{}/{}-{}", record->trial.sweep_id, artifact.trial_id,
                     NewId(core::Name(artifact.kind), context_.random));
}

Status Artifacts::Keep(const core::Artifact& artifact, const std::string& worker_id) {
  RETURN_IF_ERROR(Holder(artifact.trial_id, {artifact.attempt_id, artifact.token}, worker_id).status());
  return context_.Apply([&](store::Transaction& transaction, Change& change) -> Status {
    const core::Trial& trial = context_.state.FindTrial(artifact.trial_id)->trial;
    ASSIGN_OR_RETURN(const core::Token newest, transaction.NewestToken(artifact.trial_id));
    if (artifact.token != newest) return Stale(artifact.token, trial);
    RETURN_IF_ERROR(CheckState(trial, artifact.kind));
    core::Artifact row = artifact;
    row.created_at = change.now();
    ASSIGN_OR_RETURN(std::optional<std::string> before, transaction.PutArtifact(row));
    if (before) change.RemoveFiles(*std::move(before));
    if (artifact.kind == ArtifactKind::kCheckpoint) {
      change.trial(artifact.trial_id).last_worker_id = worker_id;
    } else {
      change.NoteTrial(trial, "adapter", fmt::format("kept, {:.1f} MiB", Mebibytes(artifact.Bytes())));
    }
    return absl::OkStatus();
  });
}

StatusOr<FoundArtifact> Artifacts::FindCheckpoint(const std::string& trial_id, const Lease& lease,
                                                  const std::string& worker_id) {
  ASSIGN_OR_RETURN(const TrialRecord* record, Holder(trial_id, lease, worker_id));
  ASSIGN_OR_RETURN(std::optional<core::Artifact> found,
                   context_.store.FindArtifact(trial_id, ArtifactKind::kCheckpoint));
  if (!found) return NotFound("the coordinator has no checkpoint of trial {}", trial_id);
  return FoundArtifact{.artifact = *std::move(found), .trial_name = record->trial.name};
}

StatusOr<Method> Artifacts::MethodOf(const core::Trial& trial) {
  ASSIGN_OR_RETURN(const std::string settings, context_.store.TrialSettings(trial.id));
  ASSIGN_OR_RETURN(const Trial read, TrialFromJson(settings));
  return read.method;
}

StatusOr<FoundArtifact> Artifacts::FindAdapter(const std::string& trial) {
  ASSIGN_OR_RETURN(const TrialRecord* record, LookUpTrial(context_.state, trial));
  const std::string& name = record->trial.name;
  ASSIGN_OR_RETURN(std::optional<core::Artifact> found,
                   context_.store.FindArtifact(record->trial.id, ArtifactKind::kAdapter));
  if (found) return FoundArtifact{.artifact = *std::move(found), .trial_name = name};
  ASSIGN_OR_RETURN(const Method method, MethodOf(record->trial));
  ASSIGN_OR_RETURN(const std::vector<core::Attempt> attempts, context_.store.Attempts(record->trial.id));
  std::string host = "its worker";
  if (!attempts.empty()) {
    const WorkerRecord* worker = context_.state.FindWorker(attempts.back().worker_id);
    if (worker != nullptr) host = fmt::format("worker {} ({})", worker->worker.id, worker->worker.hostname);
  }
  if (!Trains(method)) return FailedPrecondition("'{}' trains nothing: there is no adapter", name);
  if (method == Method::kFull) {
    return FailedPrecondition(
        "'{}' is full fine-tuning, and its model is no artifact: {} removed it from its folder when the "
        "result was in. "
        "To have the model, run 'sweep-trainer train --trial FILE --out DIR' on the settings of the view "
        "trial_files",
        name, attempts.empty() ? "the worker" : host);
  }
  if (record->trial.state != core::TrialState::kSucceeded) {
    return FailedPrecondition("'{}' is {}: its adapter comes with its result", name,
                              core::Name(record->trial.state));
  }
  return FailedPrecondition(
      "the adapter of '{}' is not here: {} has not sent it yet, could not, or its sweep's 'keep' has let it "
      "go",
      name, host);
}

StatusOr<std::vector<PrunedSweep>> Artifacts::Prune(const std::string& sweep, bool dry_run) {
  std::vector<const SweepRecord*> records;
  if (!sweep.empty()) {
    ASSIGN_OR_RETURN(const SweepRecord* record, LookUpSweep(context_.state, sweep));
    records.push_back(record);
  } else {
    for (const auto& [id, record] : context_.state.sweeps()) records.push_back(&record);
  }
  std::vector<PrunedSweep> pruned;
  for (const SweepRecord* record : records) {
    if (!core::IsFinal(record->sweep.state) || !record->sweep.finished_at) continue;
    ASSIGN_OR_RETURN(PrunedSweep one, PruneSweep(*record, dry_run));
    if (one.checkpoints + one.adapters + one.log_lines > 0) pruned.push_back(std::move(one));
  }
  return pruned;
}

StatusOr<PrunedSweep> Artifacts::PruneSweep(const SweepRecord& record, bool dry_run) {
  const core::Sweep& sweep = record.sweep;
  const WallTime now = context_.clock.Wall(), ended = *sweep.finished_at;
  PrunedSweep pruned{.sweep_id = sweep.id, .name = sweep.name};
  std::vector<const core::Artifact*> removed;
  ASSIGN_OR_RETURN(const std::vector<core::Artifact> artifacts, context_.store.ArtifactsOf(sweep.id));
  for (const core::Artifact& artifact : artifacts) {
    const bool checkpoint = artifact.kind == ArtifactKind::kCheckpoint;
    if (!IsOver(checkpoint ? sweep.keep.checkpoints : sweep.keep.artifacts, ended, now)) continue;
    removed.push_back(&artifact);
    ++(checkpoint ? pruned.checkpoints : pruned.adapters);
    (checkpoint ? pruned.checkpoint_bytes : pruned.adapter_bytes) += artifact.Bytes();
  }
  if (IsOver(sweep.keep.logs, ended, now)) {
    ASSIGN_OR_RETURN(const store::LogSize logs, context_.store.LogsOf(sweep.id));
    pruned.log_lines = logs.lines;
    pruned.log_bytes = logs.bytes;
  }
  if (dry_run || pruned.checkpoints + pruned.adapters + pruned.log_lines == 0) return pruned;
  const auto body = [&](store::Transaction& transaction, Change& change) -> Status {
    for (const core::Artifact* artifact : removed) {
      ASSIGN_OR_RETURN(std::optional<std::string> path,
                       transaction.RemoveArtifact(artifact->trial_id, artifact->kind));
      if (path) change.RemoveFiles(*std::move(path));
    }
    if (pruned.log_lines > 0) RETURN_IF_ERROR(transaction.RemoveLogs(sweep.id));
    change.NoteSweep(sweep, "pruned",
                     fmt::format("{} checkpoints, {} adapters, {} log lines", pruned.checkpoints,
                                 pruned.adapters, pruned.log_lines));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(context_.Apply(body));
  return pruned;
}

}  // namespace lorikeet::service
