#include "coordinator/service/comparing.h"

#include <array>
#include <map>

#include "common/failure_kinds.h"
#include "coordinator/comparison/holm.h"
#include "coordinator/comparison/verdict.h"
#include "coordinator/service/compared_row.h"
#include "sweeps/trial/trial.h"

namespace lorikeet::service {
namespace {

// Of predictions that a tick reads, beyond which it leaves the rest to the next: some tens of milliseconds.
constexpr std::int64_t kMostRead = 30'000;
constexpr int kMostConfigurations = 8;  // a tick; each is some rows to read, and four to write
// Times the rows of a sweep: how long its verdicts stay while more of its trials end.
constexpr Duration kJudgementEvery = std::chrono::milliseconds(1);

bool IsReference(const core::Configuration& configuration) {
  const StatusOr<Method> method = ParseMethod(configuration.arm);
  return method.ok() && !Trains(*method);
}

}  // namespace

comparison::Side SideOf(const SweepRecord& sweep, const ConfigurationRecord& record) {
  comparison::Side side{
      .seeds = record.Count(core::TrialState::kSucceeded),
      .planned = record.configuration.planned,
      .diverged = 0,
      .one_run = IsReference(record.configuration),
  };
  if (side.seeds == side.planned) return side;
  for (const TrialRecord* trial : sweep.trials) {
    if (trial->trial.configuration_id != record.configuration.id) continue;
    if (trial->trial.state == core::TrialState::kFailed && trial->trial.failure_kind == failure::kDiverged)
      ++side.diverged;
  }
  return side;
}

Status Comparing::CatchUp() {
  Due& due = context_.state.due;
  std::int64_t read = 0;
  for (int done = 0; !due.configurations.empty() && done < kMostConfigurations && read < kMostRead; ++done) {
    const auto next = Next();
    const SweepRecord& sweep = *context_.state.FindSweep(next.first);
    RETURN_IF_ERROR(CompareOne(sweep, sweep.configurations.at(next.second), read));
    due.configurations.erase(next);
  }
  const SteadyTime now = context_.clock.Steady();
  for (auto at = due.sweeps.begin(); at != due.sweeps.end() && read < kMostRead;) {
    const std::string id = *at;
    const SweepRecord& sweep = *context_.state.FindSweep(id);
    // All its rows at once, when the last that is due is there; and a large sweep not again and again while
    // its trials end: its rows would be read as often as there are.
    const auto left = due.configurations.lower_bound({id, 0});
    const bool more = left != due.configurations.end() && left->first == id;
    const auto not_before = due.judge_not_before.find(id);
    if (more || (sweep.Open() > 0 && not_before != due.judge_not_before.end() && now < not_before->second)) {
      ++at;
      continue;
    }
    ASSIGN_OR_RETURN(const std::int64_t rows, JudgeSweep(sweep));
    read += rows;
    due.judge_not_before[id] = now + rows * kJudgementEvery;
    due.ended.erase(id);
    at = due.sweeps.erase(at);
  }
  if (due.configurations.empty() && due.sweeps.empty()) due.ended.clear();
  return absl::OkStatus();
}

std::pair<std::string, std::int64_t> Comparing::Next() const {
  const Due& due = context_.state.due;
  for (const std::string& sweep : due.ended) {
    const auto first = due.configurations.lower_bound({sweep, 0});
    if (first != due.configurations.end() && first->first == sweep) return *first;
  }
  return *due.configurations.begin();
}

Status Comparing::CompareOne(const SweepRecord& sweep, const ConfigurationRecord& configuration,
                             std::int64_t& read) {
  const std::int64_t id = configuration.configuration.id;
  if (id == sweep.baseline_id) context_.state.due.sweeps.insert(sweep.sweep.id);  // for imported rows
  if (id == sweep.baseline_id || sweep.baseline_id == 0) return absl::OkStatus();
  const ConfigurationRecord& baseline = sweep.configurations.at(sweep.baseline_id);
  if (configuration.compared || configuration.Open() > 0 || baseline.Open() > 0) return absl::OkStatus();
  if (configuration.Count(core::TrialState::kSucceeded) == 0 ||
      baseline.Count(core::TrialState::kSucceeded) == 0) {
    return absl::OkStatus();  // no difference to speak of; the table says why
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<const ScoredSide> other, BaselineOf(sweep, read));
  ASSIGN_OR_RETURN(const std::vector<core::ScoredTrial> trials, context_.store.Scores(id));
  const ScoredSide side = MakeScoredSide(trials);
  read += side.seeds * static_cast<std::int64_t>(side.documents.size());

  const Obstacles obstacles{
      .not_comparable = WhyNotComparable(side, *other),
      .withheld = comparison::WhyWithheld(SideOf(sweep, configuration), SideOf(sweep, baseline),
                                          static_cast<std::int64_t>(side.documents.size()))};
  const core::Comparison sides{
      .sweep_id = sweep.sweep.id, .configuration_id = id, .baseline_id = sweep.baseline_id, .metric = {}};
  std::vector<core::Comparison> rows =
      CompareByRouge(sides, side, *other, sweep.sweep.verdict, obstacles, Caveat(side, *other));
  ASSIGN_OR_RETURN(const std::vector<core::Comparison> by_others,
                   metrics_.CompareByAll(sweep, configuration, rows.front()));
  rows.insert(rows.end(), by_others.begin(), by_others.end());
  const auto put = [&](store::Transaction& transaction) -> Status {
    for (const core::Comparison& row : rows) RETURN_IF_ERROR(transaction.PutComparison(row));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(context_.turn.Part(put));
  context_.state.NoteCompared(sweep.sweep.id, id);
  return absl::OkStatus();
}

StatusOr<std::shared_ptr<const ScoredSide>> Comparing::BaselineOf(const SweepRecord& sweep,
                                                                  std::int64_t& read) {
  Due& due = context_.state.due;
  if (due.baseline != nullptr && due.baseline_id == sweep.baseline_id) return due.baseline;
  ASSIGN_OR_RETURN(const std::vector<core::ScoredTrial> trials, context_.store.Scores(sweep.baseline_id));
  auto side = std::make_shared<const ScoredSide>(MakeScoredSide(trials));
  read += side->seeds * static_cast<std::int64_t>(side->documents.size());
  due.baseline = side;
  due.baseline_id = sweep.baseline_id;
  return std::shared_ptr<const ScoredSide>(side);
}

StatusOr<std::int64_t> Comparing::JudgeSweep(const SweepRecord& sweep) {
  ASSIGN_OR_RETURN(std::vector<core::Comparison> rows, context_.store.Comparisons(sweep.sweep.id));
  const std::vector<core::Comparison> before = rows;
  std::map<std::string, std::vector<core::Comparison*>> tested;  // by metric
  for (core::Comparison& row : rows) {
    if (row.p_value) tested[row.metric].push_back(&row);
  }
  for (const auto& [metric, family] : tested) {
    for (const Correction& correction : kCorrections) {
      if (!(family.front()->*correction.raw)) continue;  // of a metric without a margin
      std::vector<double> p_values;
      for (const core::Comparison* row : family) p_values.push_back((row->*correction.raw).value_or(1));
      const std::vector<double> corrected = comparison::Holm(p_values, sweep.sweep.family);
      for (std::size_t i = 0; i < family.size(); ++i) family[i]->*correction.corrected = corrected[i];
    }
  }
  std::int64_t read = 0;
  for (core::Comparison* row : tested[sweep.sweep.verdict.primary]) {
    ASSIGN_OR_RETURN(const std::shared_ptr<const ScoredSide> baseline, BaselineOf(sweep, read));
    const comparison::Judged judged = JudgeRow(*row, *baseline);
    row->verdict = comparison::Name(judged.verdict);
    if (!judged.reason.empty()) row->reason = judged.reason;
  }
  const auto put = [&](store::Transaction& transaction) -> Status {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] != before[i]) RETURN_IF_ERROR(transaction.PutComparison(rows[i]));
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(context_.turn.Part(put));
  ASSIGN_OR_RETURN(const std::int64_t imported,
                   foreign_.Judge(sweep, rows, [&] { return BaselineOf(sweep, read); }));
  return static_cast<std::int64_t>(rows.size()) + imported;
}

}  // namespace lorikeet::service
