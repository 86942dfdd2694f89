#include "coordinator/rpc/convert.h"

namespace lorikeet::rpc {
namespace {

std::string TimeOrNothing(const std::optional<WallTime>& time) { return time ? FormatTime(*time) : ""; }

}  // namespace

v1::SweepStatus ToWire(const service::SweepView& view) {
  v1::SweepStatus out;
  out.set_id(view.sweep.id);
  out.set_name(view.sweep.name);
  out.set_state(core::Name(view.sweep.state));
  out.set_baseline(view.sweep.baseline);
  out.set_trials(view.sweep.trials);
  out.set_pending(view.pending);
  out.set_running(view.running);
  out.set_succeeded(view.succeeded);
  out.set_failed(view.failed);
  out.set_cancelled(view.cancelled);
  out.set_submitted_at(FormatTime(view.sweep.submitted_at));
  out.set_finished_at(TimeOrNothing(view.sweep.finished_at));
  out.set_elapsed_seconds(view.elapsed_seconds);
  if (view.eta_seconds) out.set_eta_seconds(*view.eta_seconds);
  for (const std::string& reason : view.waiting) out.add_waiting(reason);
  out.set_priority(view.sweep.priority);
  if (view.sweep.max_running) out.set_max_running(*view.sweep.max_running);
  out.mutable_labels()->insert(view.sweep.labels.begin(), view.sweep.labels.end());
  for (const core::SweepFile& file : view.files) {
    v1::SweepFile& to = *out.add_files();
    to.set_name(file.name);
    to.set_value(file.value);
    to.set_worker(file.worker_id);
  }
  for (const std::string& barred : view.barred) out.add_barred(barred);
  return out;
}

v1::TrialStatus ToWire(const service::TrialView& view) {
  v1::TrialStatus out;
  out.set_id(view.trial.id);
  out.set_sweep_id(view.trial.sweep_id);
  out.set_name(view.trial.name);
  out.set_configuration(view.configuration);
  out.set_state(core::Name(view.trial.state));
  out.set_failures(view.trial.failures);
  out.set_failure_kind(view.trial.failure_kind);
  out.set_failure_message(view.trial.failure_message);
  out.set_worker(view.worker_hostname);
  out.set_device(view.device);
  out.set_waiting(view.waiting);
  if (view.progress) {
    v1::TrialProgress& progress = *out.mutable_progress();
    progress.set_phase(view.progress->phase);
    progress.set_step(view.progress->step);
    progress.set_total(view.progress->total);
    if (view.progress->loss) progress.set_loss(*view.progress->loss);
    progress.set_tokens_per_second(view.progress->tokens_per_second);
    progress.set_eta_seconds(view.progress->eta_seconds);
  }
  for (const core::Attempt& attempt : view.attempts) {
    v1::AttemptStatus& to = *out.add_attempts();
    to.set_id(attempt.id);
    to.set_number(attempt.number);
    to.set_state(core::Name(attempt.state));
    to.set_worker_id(attempt.worker_id);
    to.set_granted_at(FormatTime(attempt.granted_at));
    to.set_started_at(TimeOrNothing(attempt.started_at));
    to.set_ended_at(TimeOrNothing(attempt.ended_at));
    to.set_device(attempt.device);
    to.set_failure_kind(attempt.failure_kind);
    to.set_failure_message(attempt.failure_message);
  }
  return out;
}

v1::WorkerStatus ToWire(const service::WorkerView& view) {
  v1::WorkerStatus out;
  out.set_id(view.worker.id);
  out.set_hostname(view.worker.hostname);
  out.set_state(view.worker.state);
  out.set_build(view.worker.build);
  out.set_slots_busy(view.slots_busy);
  out.set_last_seen_at(FormatTime(view.worker.last_seen_at));
  out.set_quarantine(view.worker.quarantine);
  out.mutable_labels()->insert(view.worker.labels.begin(), view.worker.labels.end());
  for (const core::Slot& slot : view.worker.slots) {
    v1::WorkerStatus::Slot& to = *out.add_slots();
    to.set_index(slot.index);
    to.set_device(slot.device);
    to.set_device_model(slot.device_model);
    to.set_memory_bytes(slot.memory_bytes);
    to.set_threads(slot.threads);
    to.set_quarantine(slot.quarantine);
  }
  for (const std::string& trial : view.trials) out.add_trials(trial);
  for (const std::string& barred : view.barred) out.add_barred(barred);
  return out;
}

core::ForeignRow FromWire(const v1::ImportRowRequest& request) {
  const auto score = [](const v1::ImportRowRequest::MeanSd& from) {
    core::MeanSd to;
    if (from.has_mean()) to.mean = from.mean();
    if (from.has_sd()) to.sd = from.sd();
    return to;
  };
  core::ForeignRow row;
  row.sweep_id = request.sweep();
  row.name = request.name();
  row.source = request.source();
  if (request.has_seeds()) row.seeds = request.seeds();
  row.rouge1 = score(request.rouge1());
  row.rouge2 = score(request.rouge2());
  row.rougeL = score(request.rougel());
  row.rougeLsum = score(request.rougelsum());
  if (request.has_trainable_parameters()) row.trainable_parameters = request.trainable_parameters();
  if (request.has_trainable_percent()) row.trainable_percent = request.trainable_percent();
  return row;
}

core::Benchmarks FromWire(const v1::PutBenchmarksRequest& request) {
  core::Benchmarks measured;
  measured.sweep_id = request.sweep();
  measured.hostname = request.hostname();
  measured.device = request.device();
  measured.device_model = request.device_model();
  measured.threads = request.threads();
  measured.precision = request.precision();
  measured.beams = request.beams();
  measured.documents = request.documents();
  measured.build = request.build();
  for (const v1::PutBenchmarksRequest::Benchmark& row : request.rows()) {
    measured.rows.push_back({.configuration = row.configuration(),
                             .variant = row.variant(),
                             .trial_id = row.trial_id(),
                             .latency_p50_seconds = row.latency_p50_seconds(),
                             .latency_p95_seconds = row.latency_p95_seconds(),
                             .batch = row.batch(),
                             .tokens_per_second = row.tokens_per_second(),
                             .tokens_per_summary = row.tokens_per_summary(),
                             .extra_tokens = row.extra_tokens()});
  }
  return measured;
}

plot::PlotRequest FromWire(const v1::GetPlotRequest& request) {
  plot::PlotRequest out;
  out.sweep = request.sweep();
  out.kind = request.kind();
  out.metric = request.metric();
  out.axis = request.axis();
  out.cost = request.cost();
  out.format = request.format();
  out.width = request.width();
  out.height = request.height();
  out.colour = request.colour();
  out.ascii = request.ascii();
  return out;
}

v1::PrunedSweep ToWire(const service::PrunedSweep& sweep) {
  v1::PrunedSweep out;
  out.set_sweep_id(sweep.sweep_id);
  out.set_name(sweep.name);
  out.set_checkpoints(sweep.checkpoints);
  out.set_checkpoint_bytes(sweep.checkpoint_bytes);
  out.set_adapters(sweep.adapters);
  out.set_adapter_bytes(sweep.adapter_bytes);
  out.set_log_lines(sweep.log_lines);
  out.set_log_bytes(sweep.log_bytes);
  return out;
}

v1::HistoryEvent ToWire(const core::HistoryEvent& event) {
  v1::HistoryEvent out;
  out.set_id(event.id);
  out.set_time(FormatTime(event.time));
  out.set_sweep_id(event.sweep_id);
  out.set_trial_id(event.trial_id);
  out.set_attempt_id(event.attempt_id);
  out.set_worker_id(event.worker_id);
  out.set_kind(event.kind);
  out.set_message(event.message);
  return out;
}

}  // namespace lorikeet::rpc
