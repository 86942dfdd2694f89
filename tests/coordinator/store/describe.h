// Plain values as text, every field, so that a test compares what was written with what came back.
#pragma once

#include <string>

#include "coordinator/store/rows.h"
#include "coordinator/store/store.h"

namespace lorikeet::store {

inline std::string Text(const std::optional<WallTime>& time) { return time ? FormatTime(*time) : "-"; }

inline std::string Describe(const core::Sweep& x) {
  return fmt::format("sweep {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}\n", x.id, x.name,
                     x.fingerprint, x.text, core::Name(x.state), x.baseline, x.retry.attempts,
                     x.retry.backoff.count(), RetryKindsToJson(x.retry.kinds), x.retry.interruptions,
                     x.priority, x.max_running.value_or(0), LabelsToJson(x.labels), x.trials,
                     ListToJson(x.seeds), ListToJson(x.notes), FormatTime(x.submitted_at),
                     Text(x.finished_at));
}
inline std::string Describe(const core::Configuration& x) {
  return fmt::format("configuration {} {} {} {} {} {} {} {} {}\n", x.id, x.sweep_id, x.position, x.name,
                     x.arm, PairsToJson(x.axes), PairsToJson(x.settings), x.baseline, x.planned);
}
// Without the settings, which a snapshot leaves out.
inline std::string Describe(const core::Trial& x) {
  return fmt::format("trial {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}\n", x.id, x.sweep_id,
                     x.configuration_id, x.position, x.name, x.seed, core::Name(x.state), x.token, x.failures,
                     x.slots, x.needs_gpu, Text(x.not_before), x.last_worker_id, x.failure_kind,
                     x.failure_message);
}
inline std::string Describe(const core::Attempt& x) {
  return fmt::format("attempt {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}\n", x.id, x.trial_id,
                     x.number, x.token, x.worker_id, core::Name(x.state), x.sequence,
                     FormatTime(x.granted_at), Text(x.started_at), Text(x.ended_at), x.device, x.device_model,
                     x.build, x.threads, x.micro_batch_size, x.failure_kind, x.failure_message);
}
inline std::string Describe(const core::Worker& x) {
  return fmt::format("worker {} {} {} {} {} {} {} {} {} {} {} {}\n", x.id, x.hostname, x.build, x.session,
                     x.state, x.drain, x.quarantine, ListToJson(x.failing), LabelsToJson(x.labels),
                     SlotsToJson(x.slots), FormatTime(x.first_seen_at), FormatTime(x.last_seen_at));
}
inline std::string Describe(const core::HistoryEvent& x) {
  return fmt::format("event {} {} {} {} {} {} {} {}\n", x.id, FormatTime(x.time), x.sweep_id, x.trial_id,
                     x.attempt_id, x.worker_id, x.kind, x.message);
}
inline std::string Describe(const core::SweepFile& x) {
  return fmt::format("file {} {} {} {} {}\n", x.sweep_id, x.name, x.value, x.worker_id,
                     FormatTime(x.fixed_at));
}
inline std::string Describe(const core::Bar& x) {
  return fmt::format("bar {} {} {} {} {}\n", x.worker_id, x.sweep_id, x.process, x.reason,
                     FormatTime(x.barred_at));
}
inline std::string Describe(const Snapshot& snapshot) {
  std::string text;
  for (const auto& x : snapshot.sweeps) text += Describe(x);
  for (const auto& x : snapshot.configurations) text += Describe(x);
  for (const auto& x : snapshot.trials) text += Describe(x);
  for (const auto& x : snapshot.attempts) text += Describe(x);
  for (const auto& x : snapshot.workers) text += Describe(x);
  for (const auto& x : snapshot.files) text += Describe(x);
  for (const auto& x : snapshot.bars) text += Describe(x);
  return text;
}

}  // namespace lorikeet::store
