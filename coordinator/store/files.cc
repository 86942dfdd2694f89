// What the sweeps' files are, and whose are others: the transaction's part.
#include "coordinator/store/transaction.h"

namespace lorikeet::store {

Status SqliteTransaction::InsertSweepFile(const core::SweepFile& file) {
  return Run([&] { return fmt::format("{} of sweep {}", file.name, file.sweep_id); },
             [&]() -> Status {
               connection_.Run(
                   "INSERT INTO sweep_files (sweep_id, name, fingerprint, worker_id, fixed_at) VALUES (?, ?, "
                   "?, ?, ?)",
                   file.sweep_id, file.name, file.value, file.worker_id, file.fixed_at);
               return absl::OkStatus();
             });
}

Status SqliteTransaction::PutBar(const core::Bar& bar) {
  return Run([&] { return fmt::format("worker {} and sweep {}", bar.worker_id, bar.sweep_id); },
             [&]() -> Status {
               connection_.Run(
                   "INSERT INTO barred_workers (worker_id, sweep_id, process, reason, barred_at) VALUES (?, "
                   "?, ?, ?, ?) "
                   "ON CONFLICT (worker_id, sweep_id) DO UPDATE SET process = excluded.process, "
                   "reason = excluded.reason, barred_at = excluded.barred_at",
                   bar.worker_id, bar.sweep_id, bar.process, bar.reason, bar.barred_at);
               return absl::OkStatus();
             });
}

Status SqliteTransaction::RemoveBar(const std::string& worker_id, const std::string& sweep_id) {
  return Run([&] { return fmt::format("worker {} and sweep {}", worker_id, sweep_id); },
             [&]() -> Status {
               connection_.Run("DELETE FROM barred_workers WHERE worker_id = ? AND sweep_id = ?", worker_id,
                               sweep_id);
               return absl::OkStatus();
             });
}

Status SqliteTransaction::ForgetFiles(const std::string& sweep_id) {
  return Run([&] { return fmt::format("sweep {}", sweep_id); },
             [&]() -> Status {
               connection_.Run("DELETE FROM sweep_files WHERE sweep_id = ?", sweep_id);
               connection_.Run("DELETE FROM barred_workers WHERE sweep_id = ?", sweep_id);
               return absl::OkStatus();
             });
}

}  // namespace lorikeet::store
