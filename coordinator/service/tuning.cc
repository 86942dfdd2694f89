#include "coordinator/service/tuning.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "coordinator/core/state_machine.h"
#include "coordinator/service/attempts.h"
#include "sweeps/spec/quantity.h"

namespace lorikeet::service {
namespace {

struct Best {
  const core::Candidate* candidate = nullptr;  // null: none has all its trials
  double score = 0;
};

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// The first of the best in the file's order.
Best FindBest(const std::vector<core::Candidate>& candidates, bool smaller_is_better) {
  Best best;
  for (const core::Candidate& candidate : candidates) {
    if (candidate.scores.empty() || static_cast<std::int64_t>(candidate.scores.size()) != candidate.planned)
      continue;
    const double score = Mean(candidate.scores);
    if (!std::isfinite(score)) continue;
    if (best.candidate != nullptr && !(smaller_is_better ? score < best.score : score > best.score)) continue;
    best = {&candidate, score};
  }
  return best;
}

const std::string* ValueOf(const core::Candidate& candidate, const std::string& axis) {
  for (const auto& [name, value] : candidate.axes) {
    if (name == axis) return &value;
  }
  return nullptr;
}

// "learning_rate=0.002 (largest)": the axes of numbers of which the best has the least or the largest that
// was tried.
std::string EdgeOf(const core::Candidate& best, const std::vector<core::Candidate>& candidates,
                   const std::vector<std::string>& axes) {
  std::string edge;
  for (const std::string& axis : axes) {
    const std::string* text = ValueOf(best, axis);
    const std::optional<double> chosen = text == nullptr ? std::nullopt : spec::ParseDecimal(*text).value;
    if (!chosen) continue;
    bool least = true, largest = true;
    for (const core::Candidate& candidate : candidates) {
      const std::string* value = ValueOf(candidate, axis);
      const std::optional<double> number = value == nullptr ? std::nullopt : spec::ParseDecimal(*value).value;
      if (!number) continue;
      least = least && *chosen <= *number;
      largest = largest && *chosen >= *number;
    }
    if (least == largest) continue;  // inside, or one value alone
    edge += fmt::format("{}{}={} ({})", edge.empty() ? "" : ", ", axis, *text, least ? "least" : "largest");
  }
  return edge;
}

}  // namespace

Status Tuning::CatchUp() {
  State& state = context_.state;
  const auto due = state.due.rows;
  for (const auto& [sweep_id, row_id] : due) {
    const SweepRecord& sweep = *state.FindSweep(sweep_id);
    const core::Configuration row = sweep.configurations.at(row_id).configuration;
    if (row.Undecided() && !core::IsFinal(sweep.sweep.state)) RETURN_IF_ERROR(Choose(sweep, row));
    state.due.rows.erase({sweep_id, row_id});
  }
  return absl::OkStatus();
}

Status Tuning::Choose(const SweepRecord& sweep, const core::Configuration& row) {
  const TuneSettings& tune = sweep.sweep.tune;
  ASSIGN_OR_RETURN(const std::vector<core::Candidate> candidates, context_.store.Candidates(row.id, tune.by));
  const Best best = FindBest(candidates, tune.by == "validation_loss");
  if (best.candidate == nullptr) return GiveUp(sweep, row);
  const std::string edge = EdgeOf(*best.candidate, candidates, tune.axes);
  const double shown = tune.by == "validation_loss" ? best.score : 100 * best.score;
  const auto body = [&](store::Transaction& transaction, Change& change) -> Status {
    RETURN_IF_ERROR(transaction.ChooseCandidate(row.id, best.candidate->configuration_id, edge));
    change.NoteSweep(
        sweep.sweep, "chosen",
        fmt::format("'{}' becomes '{}', {} {:.4g}, of {} settings{}", row.name, best.candidate->name, tune.by,
                    shown, candidates.size(), edge.empty() ? "" : "; at the end of what was tried: " + edge));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(context_.Apply(body));
  context_.state.NoteChosen(sweep.sweep.id, row.id, best.candidate->configuration_id, edge);
  return absl::OkStatus();
}

Status Tuning::GiveUp(const SweepRecord& sweep, const core::Configuration& row) {
  const core::Trial* failed = nullptr;  // the first candidate's trial that did
  for (const TrialRecord* trial : sweep.trials) {
    const core::Configuration& of = sweep.configurations.at(trial->trial.configuration_id).configuration;
    if (of.candidate_of != row.id || trial->trial.state != core::TrialState::kFailed) continue;
    failed = &trial->trial;
    break;
  }
  return context_.Apply([&](store::Transaction&, Change& change) -> Status {
    for (const TrialRecord* record : sweep.trials) {
      if (record->trial.configuration_id != row.id || core::IsFinal(record->trial.state)) continue;
      if (failed == nullptr) {  // a person cancelled them
        RETURN_IF_ERROR(service::CancelTrial(change, *record));
        continue;
      }
      core::Trial& trial = change.trial(record->trial.id);
      RETURN_IF_ERROR(core::Move(trial, core::TrialState::kFailed));
      trial.failure_kind = failed->failure_kind;
      trial.failure_message = fmt::format("none of its {} settings could be chosen; '{}' failed: {}",
                                          row.tries, failed->name, failed->failure_message);
      change.NoteTrial(trial, "failed", trial.failure_kind + ": " + trial.failure_message);
    }
    return absl::OkStatus();
  });
}

}  // namespace lorikeet::service
