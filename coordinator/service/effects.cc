#include "coordinator/service/effects.h"

#include <cmath>
#include <initializer_list>

#include "common/failure_kinds.h"
#include "coordinator/core/state_machine.h"
#include "coordinator/service/attempts.h"
#include "coordinator/service/blame.h"
#include "coordinator/service/files.h"

namespace lorikeet::service {
namespace {

Status CheckSplit(const std::string& split) {
  if (split == "test" || split == "validation") return absl::OkStatus();
  return InvalidArgument("'{}' is no split; test or validation", split);
}

Status CheckRouge(const core::RougeF1& rouge) {
  for (const double score : {rouge.rouge1, rouge.rouge2, rouge.rougeL, rouge.rougeLsum}) {
    if (!(score >= 0 && score <= 1)) return InvalidArgument("a ROUGE of {}; it lies in 0 to 1", score);
  }
  return absl::OkStatus();
}

// Costs may be anything over nothing; a table wants a number.
void ZeroIfNotFinite(std::initializer_list<double*> values) {
  for (double* value : values) {
    if (!std::isfinite(*value)) *value = 0;
  }
}

class Effect {
 public:
  Effect(store::Transaction& transaction, Change& change, const std::string& attempt_id,
         const RetryPolicy& retry, bool worker_drains)
      : transaction_(transaction),
        change_(change),
        id_(attempt_id),
        retry_(retry),
        worker_drains_(worker_drains) {}

  Status operator()(const Fingerprints& event) const {
    RETURN_IF_ERROR(NoteAlive(change_, id_));
    return CheckFiles(change_, id_, event.files).status();
  }
  Status operator()(const Started& event) const {
    RETURN_IF_ERROR(NoteAlive(change_, id_));
    ASSIGN_OR_RETURN(const bool same, CheckRead(event.model_fingerprint, event.data_fingerprint));
    if (!same) return absl::OkStatus();
    core::Attempt& attempt = change_.attempt(id_);
    attempt.device = event.device;
    attempt.device_model = event.device_model;
    attempt.build = event.build;
    attempt.threads = event.threads;
    attempt.micro_batch_size = event.micro_batch_size;
    attempt.started_at = change_.now();
    change_.Note(attempt, "started",
                 event.from_step > 0
                     ? fmt::format("{}, from step {} of {}", event.device, event.from_step, event.total_steps)
                     : event.device);
    return absl::OkStatus();
  }
  Status operator()(const core::Metric& event) const {
    RETURN_IF_ERROR(NoteAlive(change_, id_));
    change_.CountMetricPoint();
    return transaction_.InsertMetric(id_, event);
  }
  Status operator()(const Log& event) const {
    RETURN_IF_ERROR(NoteAlive(change_, id_));
    const bool plain = event.level.empty() || event.level == "info";
    change_.Note(change_.attempt(id_), "log", plain ? event.message : event.level + ": " + event.message);
    return absl::OkStatus();
  }
  Status operator()(const CheckpointSaved& event) const {
    RETURN_IF_ERROR(NoteAlive(change_, id_));
    const core::Attempt& attempt = change_.attempt(id_);
    change_.trial(attempt.trial_id).last_worker_id = attempt.worker_id;
    change_.Note(attempt, "checkpoint", fmt::format("step {}", event.step));
    return absl::OkStatus();
  }
  Status operator()(const OutOfMemory& event) const {
    RETURN_IF_ERROR(NoteAlive(change_, id_));
    core::Attempt& attempt = change_.attempt(id_);
    if (event.phase == "training") attempt.micro_batch_size = event.micro_batch_size;
    change_.Note(attempt, "out_of_memory",
                 fmt::format("{}, step {}: goes on with micro-batches of {}, {} a batch ({})", event.phase,
                             event.step, event.micro_batch_size, event.parts, event.message));
    return absl::OkStatus();
  }
  Status operator()(const core::Document& event) const {
    if (Status status = CheckSplit(event.split); !status.ok()) return Impossible("a document", status);
    RETURN_IF_ERROR(NoteAlive(change_, id_));
    return transaction_.InsertDocument(change_.trial(change_.attempt(id_).trial_id).sweep_id, event);
  }
  Status operator()(const core::Prediction& event) const {
    Status status = CheckSplit(event.split);
    if (status.ok()) status = CheckRouge(event.rouge);
    if (!status.ok()) return Impossible("a prediction", status);
    RETURN_IF_ERROR(NoteAlive(change_, id_));
    return transaction_.StagePrediction(id_, event);
  }
  Status operator()(const core::Result& event) const {
    Status status = CheckRouge(event.test.rouge);
    if (status.ok()) status = CheckRouge(event.validation.rouge);
    if (!status.ok()) return Impossible("a result", status);
    core::Result result = event;
    ZeroIfNotFinite({&result.test.sources_cut, &result.test.targets_cut, &result.test.outputs_cut,
                     &result.validation.sources_cut, &result.validation.targets_cut,
                     &result.validation.outputs_cut, &result.trainable_share, &result.train_seconds,
                     &result.tokens_per_second, &result.latency_p50_seconds, &result.latency_p95_seconds,
                     &result.generated_tokens_per_second});
    ASSIGN_OR_RETURN(const bool same, CheckRead(result.model_fingerprint, result.data_fingerprint));
    if (!same) return absl::OkStatus();
    core::Attempt& attempt = change_.attempt(id_);
    core::Trial& trial = change_.trial(attempt.trial_id);
    result.build = attempt.build;  // its row may not have it yet: of one batch with the result
    status = transaction_.CommitResult(trial.id, id_, result, change_.now());
    if (absl::IsFailedPrecondition(status)) return Impossible("a result", status);
    RETURN_IF_ERROR(status);
    // Straight from granted: what it started with got lost, its result did not.
    if (attempt.state == core::AttemptState::kGranted) RETURN_IF_ERROR(NoteAlive(change_, id_));
    RETURN_IF_ERROR(core::Move(attempt, core::AttemptState::kSucceeded));
    RETURN_IF_ERROR(core::Move(trial, core::TrialState::kSucceeded));
    attempt.ended_at = change_.now();
    trial.not_before.reset();
    NoteSuccessOn(change_, attempt.worker_id);
    change_.Note(attempt, "succeeded", fmt::format("ROUGE-1 {:.2f}", 100 * result.test.rouge.rouge1));
    return absl::OkStatus();
  }
  Status operator()(const Returned& event) const {
    if (event.checkpointed) {
      const core::Attempt& attempt = change_.attempt(id_);
      change_.trial(attempt.trial_id).last_worker_id = attempt.worker_id;
    }
    if (event.not_started && !worker_drains_)
      NoteFailureOn(change_, change_.attempt(id_), {"not started", event.reason});
    return Return(change_, id_, event.reason, retry_, /*may_spin=*/!event.checkpointed && !worker_drains_);
  }
  Status operator()(const Failed& event) const {
    return Fail(transaction_, change_, id_, retry_, {event.kind, event.message});
  }

 private:
  // What its trainer has read; an empty one says nothing.
  StatusOr<bool> CheckRead(const std::string& model, const std::string& documents) const {
    std::vector<core::Fingerprint> read;
    if (!model.empty()) read.push_back({kModel, model});
    if (!documents.empty()) read.push_back({kDocuments, documents});
    return CheckFiles(change_, id_, read);
  }
  Status Impossible(const std::string& what, const Status& status) const {
    return Fail(transaction_, change_, id_, retry_,
                {failure::kCrashed, fmt::format("it reported {}: {}", what, Message(status))});
  }

  store::Transaction& transaction_;
  Change& change_;
  const std::string& id_;
  const RetryPolicy& retry_;
  const bool worker_drains_;
};

}  // namespace

Status ApplyEvent(store::Transaction& transaction, Change& change, const std::string& attempt_id,
                  const RetryPolicy& retry, bool worker_drains, const Event& event) {
  return std::visit(Effect(transaction, change, attempt_id, retry, worker_drains), event);
}

}  // namespace lorikeet::service
