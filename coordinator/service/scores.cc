#include "coordinator/service/scores.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "common/metric_names.h"
#include "common/nearest.h"
#include "coordinator/service/lookup.h"

namespace lorikeet::service {
namespace {

std::string RunName(const ScoredRun& run) {
  return fmt::format("'{}', seed {}", run.configuration, run.seed);
}

// Each document of the test split once. Both in the order of texts.
Status CheckDocuments(const ScoredRun& run, const std::vector<std::string>& documents) {
  std::vector<std::string> ids;
  ids.reserve(run.documents.size());
  for (const ScoredDocument& document : run.documents) ids.push_back(document.id);
  std::sort(ids.begin(), ids.end());
  if (const auto twice = std::adjacent_find(ids.begin(), ids.end()); twice != ids.end()) {
    return InvalidArgument("{}: document '{}' twice", RunName(run), *twice);
  }
  const auto [id, document] = std::mismatch(ids.begin(), ids.end(), documents.begin(), documents.end());
  if (id == ids.end() && document == documents.end()) return absl::OkStatus();
  if (document == documents.end() || (id != ids.end() && *id < *document)) {
    return InvalidArgument("{}: the sweep's test split has no document '{}'", RunName(run), *id);
  }
  return InvalidArgument("{}: document '{}' is missing; {} of {} are there", RunName(run), *document,
                         ids.size(), documents.size());
}

Status CheckScores(const ScoredRun& run, const ScoresUpload& upload) {
  for (const ScoredDocument& document : run.documents) {
    if (document.scores.size() != upload.metrics.size()) {
      return InvalidArgument("{}: document '{}' has {} scores, of {} metrics", RunName(run), document.id,
                             document.scores.size(), upload.metrics.size());
    }
    for (std::size_t m = 0; m < upload.metrics.size(); ++m) {
      const double score = document.scores[m];
      if (!std::isfinite(score) || (upload.predictions && !(score >= 0 && score <= 1))) {
        return InvalidArgument("{}: document '{}': {} {}; {}", RunName(run), document.id, upload.metrics[m],
                               score, upload.predictions ? "from 0 to 1" : "a finite number");
      }
    }
  }
  return absl::OkStatus();
}

Status CheckMetrics(const ScoresUpload& upload) {
  if (upload.predictions) {
    std::vector<std::string> rouge;
    for (const core::RougeMetric& metric : core::kRougeMetrics) rouge.emplace_back(metric.name);
    if (upload.metrics != rouge) return InvalidArgument("summaries come with {}", fmt::join(rouge, ", "));
    return upload.source.empty() ? InvalidArgument("say where the rows are from") : absl::OkStatus();
  }
  if (upload.metrics.empty()) return InvalidArgument("scores of no metric");
  std::set<std::string> names;
  for (const std::string& metric : upload.metrics) {
    RETURN_IF_ERROR(CheckMetricName(metric));
    if (!names.insert(metric).second) return InvalidArgument("metric '{}' twice", metric);
  }
  return absl::OkStatus();
}

const ConfigurationRecord* FindConfiguration(const SweepRecord& sweep, const std::string& name) {
  for (const auto& [id, record] : sweep.configurations) {
    if (record.configuration.name == name) return &record;
  }
  return nullptr;
}

Status CheckOwnRun(const SweepRecord& sweep, const ConfigurationRecord& record, const ScoredRun& run) {
  if (record.configuration.candidate_of != 0) {
    return InvalidArgument("{}: was tried to choose settings, and is not scored on the test split",
                           RunName(run));
  }
  std::vector<std::int64_t> seeds;
  for (const TrialRecord* trial : sweep.trials) {
    if (trial->trial.configuration_id != record.configuration.id) continue;
    if (trial->trial.state == core::TrialState::kSucceeded) seeds.push_back(trial->trial.seed);
    if (trial->trial.seed != run.seed) continue;
    if (trial->trial.state == core::TrialState::kSucceeded) return absl::OkStatus();
    return FailedPrecondition("{}: has no result to score: it is {}", RunName(run),
                              core::Name(trial->trial.state));
  }
  return NotFound("{}: '{}' has no such seed; with results it has {}", RunName(run), run.configuration,
                  seeds.empty() ? "none" : fmt::format("{}", fmt::join(seeds, ", ")));
}

// Of the seeds' means over their documents, in percent.
core::MeanSd MeanSdOf(const std::vector<const ScoredRun*>& runs, std::size_t metric) {
  std::vector<double> means;
  for (const ScoredRun* run : runs) {
    double sum = 0;
    for (const ScoredDocument& document : run->documents) sum += document.scores[metric];
    means.push_back(100 * sum / static_cast<double>(run->documents.size()));
  }
  double mean = 0, squares = 0;
  for (const double value : means) mean += value / static_cast<double>(means.size());
  for (const double value : means) squares += (value - mean) * (value - mean);
  core::MeanSd result{.mean = mean, .sd = {}};
  if (means.size() > 1) result.sd = std::sqrt(squares / static_cast<double>(means.size() - 1));
  return result;
}

std::vector<core::ForeignSummary> SummariesOf(const ScoredRun& run) {
  std::vector<core::ForeignSummary> summaries;
  summaries.reserve(run.documents.size());
  for (const ScoredDocument& document : run.documents) {
    core::ForeignSummary& to = summaries.emplace_back();
    to.document_id = document.id;
    to.summary = document.summary;
    for (std::size_t m = 0; m < document.scores.size(); ++m) {
      to.rouge.*core::kRougeMetrics[m].value = document.scores[m];
    }
  }
  return summaries;
}

}  // namespace

StatusOr<ScoresTaken> Scores::Put(const ScoresUpload& upload) {
  ASSIGN_OR_RETURN(const SweepRecord* sweep, LookUpSweep(context_.state, upload.sweep));
  RETURN_IF_ERROR(CheckMetrics(upload));
  RETURN_IF_ERROR(CheckRuns(*sweep, upload));
  RETURN_IF_ERROR(upload.predictions ? PutRows(*sweep, upload) : PutMetrics(*sweep, upload));
  // Whoever hears that they are there finds the verdicts, too.
  context_.state.due.sweeps.insert(sweep->sweep.id);
  context_.state.due.ended.insert(sweep->sweep.id);
  ScoresTaken taken;
  taken.sweep = sweep->sweep.name;
  std::set<std::string> rows;
  for (const ScoredRun& run : upload.runs) {
    if (rows.insert(run.configuration).second) taken.rows.push_back(run.configuration);
    ++taken.runs;
    taken.documents += static_cast<std::int64_t>(run.documents.size());
  }
  return taken;
}

Status Scores::CheckRuns(const SweepRecord& sweep, const ScoresUpload& upload) const {
  if (upload.runs.empty()) return InvalidArgument("nothing is there to take in");
  store::ScoreReader& scores = context_.store.scores();
  ASSIGN_OR_RETURN(const std::vector<std::string> documents, scores.TestDocuments(sweep.sweep.id));
  if (documents.empty()) {
    return FailedPrecondition("sweep {} has no documents yet: they come with its first trial's result",
                              sweep.sweep.name);
  }
  ASSIGN_OR_RETURN(const std::vector<core::TestedRow> tested, scores.TestedRows(sweep.sweep.id));
  std::set<std::pair<std::string, std::int64_t>> seen;
  for (const ScoredRun& run : upload.runs) {
    const ConfigurationRecord* own = FindConfiguration(sweep, run.configuration);
    if (!seen.emplace(run.configuration, run.seed).second) return InvalidArgument("{}: twice", RunName(run));
    if (upload.predictions) {
      if (run.configuration.empty()) return InvalidArgument("a row wants a name");
      if (own != nullptr) {
        return MakeStatus(absl::StatusCode::kAlreadyExists,
                          "sweep {} has a configuration '{}' of its own: give the row another name",
                          sweep.sweep.name, run.configuration);
      }
    } else if (own != nullptr) {
      RETURN_IF_ERROR(CheckOwnRun(sweep, *own, run));
    } else {
      const auto row = std::find_if(tested.begin(), tested.end(), [&](const core::TestedRow& one) {
        return one.name == run.configuration;
      });
      if (row == tested.end()) {
        std::vector<std::string> names;
        for (const auto& [id, record] : sweep.configurations) names.push_back(record.configuration.name);
        for (const core::TestedRow& one : tested) names.push_back(one.name);
        return NotFound("sweep {} has no configuration and no imported summaries '{}'{}", sweep.sweep.name,
                        run.configuration, DidYouMean(run.configuration, names));
      }
      if (std::find(row->seeds.begin(), row->seeds.end(), run.seed) == row->seeds.end()) {
        return NotFound("{}: no such seed was imported; it has {}", RunName(run),
                        fmt::join(row->seeds, ", "));
      }
    }
    RETURN_IF_ERROR(CheckDocuments(run, documents));
    RETURN_IF_ERROR(CheckScores(run, upload));
  }
  return absl::OkStatus();
}

Status Scores::PutRows(const SweepRecord& sweep, const ScoresUpload& upload) {
  std::map<std::string, std::vector<const ScoredRun*>> rows;
  for (const ScoredRun& run : upload.runs) rows[run.configuration].push_back(&run);
  const std::string& id = sweep.sweep.id;
  return context_.Apply([&](store::Transaction& transaction, Change& change) -> Status {
    for (const auto& [name, runs] : rows) {
      core::ForeignRow row;
      row.sweep_id = id;
      row.name = name;
      row.source = upload.source;
      row.seeds = static_cast<std::int64_t>(runs.size());
      row.rouge1 = MeanSdOf(runs, 0);
      row.rouge2 = MeanSdOf(runs, 1);
      row.rougeL = MeanSdOf(runs, 2);
      row.rougeLsum = MeanSdOf(runs, 3);
      row.imported_at = change.now();
      RETURN_IF_ERROR(transaction.PutForeignRow(row));
      for (const ScoredRun* run : runs) {
        RETURN_IF_ERROR(transaction.scores().PutForeignSummaries(id, name, run->seed, SummariesOf(*run)));
      }
      change.NoteSweep(sweep.sweep, "imported",
                       fmt::format("row '{}' from {}, with the summaries of {} seed{}", name, upload.source,
                                   runs.size(), runs.size() == 1 ? "" : "s"));
    }
    return transaction.scores().MarkExtended(id);
  });
}

Status Scores::PutMetrics(const SweepRecord& sweep, const ScoresUpload& upload) {
  const std::string& id = sweep.sweep.id;
  ASSIGN_OR_RETURN(const std::vector<core::Comparison> known, context_.store.Comparisons(id));
  std::map<std::int64_t, const core::Comparison*> rouge;  // by configuration
  for (const core::Comparison& row : known) {
    if (row.metric == core::kRougeMetrics[0].name) rouge[row.configuration_id] = &row;
  }
  return context_.Apply([&](store::Transaction& transaction, Change& change) -> Status {
    for (const ScoredRun& run : upload.runs) {
      for (std::size_t m = 0; m < upload.metrics.size(); ++m) {
        core::ScoreRun scores{.metric = upload.metrics[m],
                              .configuration = run.configuration,
                              .seed = run.seed,
                              .documents = {}};
        for (const ScoredDocument& document : run.documents)
          scores.documents.emplace_back(document.id, document.scores[m]);
        RETURN_IF_ERROR(transaction.scores().PutScoreRun(id, scores, change.now()));
      }
    }
    // The baseline's may be among them: every row that is compared already is compared by them.
    for (const auto& [configuration_id, row] : rouge) {
      ASSIGN_OR_RETURN(
          const std::vector<core::Comparison> rows,
          comparing_.Compare(sweep, sweep.configurations.at(configuration_id), *row, upload.metrics));
      for (const core::Comparison& fresh : rows) RETURN_IF_ERROR(transaction.PutComparison(fresh));
    }
    RETURN_IF_ERROR(transaction.scores().RemoveForeignComparisons(id));
    change.NoteSweep(sweep.sweep, "scored",
                     fmt::format("{} of {} run{}", fmt::join(upload.metrics, ", "), upload.runs.size(),
                                 upload.runs.size() == 1 ? "" : "s"));
    return absl::OkStatus();
  });
}

}  // namespace lorikeet::service
