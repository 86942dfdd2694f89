// Rows of others beside a sweep's own: the transaction's part.
#include "coordinator/store/transaction.h"

namespace lorikeet::store {

Status SqliteTransaction::PutForeignRow(const core::ForeignRow& row) {
  return Run(
      [&] { return fmt::format("row '{}' of sweep {}", row.name, row.sweep_id); },
      [&]() -> Status {
        RemoveWhatHangsOn(row.sweep_id, row.name);
        connection_.Run(
            "INSERT OR REPLACE INTO foreign_rows (sweep_id, name, source, seeds, rouge1_mean, rouge1_sd,"
            " rouge2_mean, rouge2_sd, rougeL_mean, rougeL_sd, rougeLsum_mean, rougeLsum_sd,"
            " trainable_parameters, trainable_percent, imported_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row.sweep_id, row.name, row.source, row.seeds, row.rouge1.mean, row.rouge1.sd, row.rouge2.mean,
            row.rouge2.sd, row.rougeL.mean, row.rougeL.sd, row.rougeLsum.mean, row.rougeLsum.sd,
            row.trainable_parameters, row.trainable_percent, row.imported_at);
        return absl::OkStatus();
      });
}

Status SqliteTransaction::RemoveForeignRow(const std::string& sweep_id, const std::string& name) {
  return Run([&] { return fmt::format("row '{}' of sweep {}", name, sweep_id); },
             [&]() -> Status {
               RemoveWhatHangsOn(sweep_id, name);
               return Changed(connection_.Run("DELETE FROM foreign_rows WHERE sweep_id = ? AND name = ?",
                                              sweep_id, name));
             });
}

}  // namespace lorikeet::store
