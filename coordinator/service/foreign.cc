#include "coordinator/service/foreign.h"

#include <cmath>
#include <utility>

#include "coordinator/service/lookup.h"

namespace lorikeet::service {
namespace {

Status CheckPercent(const char* what, const std::optional<double>& value) {
  if (!value || (*value >= 0 && *value <= 100)) return absl::OkStatus();
  return InvalidArgument("{}: {}; in percent, from 0 to 100", what, *value);
}

Status Check(const core::ForeignRow& row) {
  if (row.name.empty()) return InvalidArgument("a row wants a name");
  if (row.source.empty()) return InvalidArgument("row '{}': say where it is from", row.name);
  const std::pair<const char*, core::MeanSd> scores[] = {
      {"rouge1", row.rouge1}, {"rouge2", row.rouge2}, {"rougeL", row.rougeL}, {"rougeLsum", row.rougeLsum}};
  bool any = false;
  for (const auto& [name, score] : scores) {
    any = any || score.mean.has_value();
    RETURN_IF_ERROR(CheckPercent(name, score.mean));
    RETURN_IF_ERROR(CheckPercent(name, score.sd));
    if (score.sd && !score.mean) return InvalidArgument("{}: a deviation without its mean", name);
  }
  if (!any) return InvalidArgument("row '{}': at least one of rouge1, rouge2, rougeL, rougeLsum", row.name);
  RETURN_IF_ERROR(CheckPercent("trainable_percent", row.trainable_percent));
  if (row.seeds && *row.seeds < 1) return InvalidArgument("seeds: {}; at least 1", *row.seeds);
  if (row.trainable_parameters && *row.trainable_parameters < 0) {
    return InvalidArgument("trainable_parameters: {}; at least 0", *row.trainable_parameters);
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<Imported> Foreign::Import(core::ForeignRow row) {
  ASSIGN_OR_RETURN(const SweepRecord* sweep, LookUpSweep(context_.state, row.sweep_id));
  RETURN_IF_ERROR(Check(row));
  for (const auto& [id, record] : sweep->configurations) {
    if (record.configuration.name == row.name) {
      return MakeStatus(absl::StatusCode::kAlreadyExists,
                        "sweep {} has a configuration '{}' of its own: give the row another name",
                        sweep->sweep.name, row.name);
    }
  }
  row.sweep_id = sweep->sweep.id;
  RETURN_IF_ERROR(context_.Apply([&](store::Transaction& transaction, Change& change) -> Status {
    row.imported_at = change.now();
    change.NoteSweep(sweep->sweep, "imported", fmt::format("row '{}' from {}", row.name, row.source));
    return transaction.PutForeignRow(row);
  }));
  NoteDue(sweep->sweep.id);  // it may have taken the place of one that was tested
  return Imported{.sweep = sweep->sweep.name, .name = row.name};
}

void Foreign::NoteDue(const std::string& sweep_id) {
  context_.state.due.sweeps.insert(sweep_id);
  context_.state.due.ended.insert(sweep_id);
}

StatusOr<Imported> Foreign::Remove(const std::string& sweep_name, const std::string& name) {
  ASSIGN_OR_RETURN(const SweepRecord* sweep, LookUpSweep(context_.state, sweep_name));
  const Status removed = context_.Apply([&](store::Transaction& transaction, Change& change) -> Status {
    change.NoteSweep(sweep->sweep, "imported", fmt::format("row '{}' removed", name));
    return transaction.RemoveForeignRow(sweep->sweep.id, name);
  });
  if (absl::IsNotFound(removed)) {
    return NotFound("sweep {} has no imported row '{}'", sweep->sweep.name, name);
  }
  RETURN_IF_ERROR(removed);
  NoteDue(sweep->sweep.id);
  return Imported{.sweep = sweep->sweep.name, .name = name};
}

}  // namespace lorikeet::service
