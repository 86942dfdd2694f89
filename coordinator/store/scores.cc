#include "coordinator/store/scores.h"

#include "coordinator/store/guard.h"

namespace lorikeet::store {
namespace {

std::vector<core::ScoreRun> LoadRuns(Connection& connection, const std::string& sweep_id,
                                     const std::string& metric, const std::string& configuration) {
  std::vector<core::ScoreRun> runs;
  std::vector<std::int64_t> ids;
  {
    Rows rows(
        connection.Prepare("SELECT id, seed FROM score_runs WHERE sweep_id = ? AND metric = ?"
                           " AND configuration = ? ORDER BY seed",
                           sweep_id, metric, configuration));
    while (rows.Next()) {
      ids.push_back(rows.Int(0));
      runs.push_back(
          {.metric = metric, .configuration = configuration, .seed = rows.Int(1), .documents = {}});
    }
  }
  for (std::size_t i = 0; i < runs.size(); ++i) {
    Rows rows(connection.Prepare(
        "SELECT document_id, score FROM scores WHERE run_id = ? ORDER BY document_id", ids[i]));
    while (rows.Next()) runs[i].documents.emplace_back(rows.Text(0), rows[1].getDouble());
  }
  return runs;
}

core::RougeF1 RougeFrom(Rows& rows, int first) {
  return {.rouge1 = rows[first].getDouble(),
          .rouge2 = rows[first + 1].getDouble(),
          .rougeL = rows[first + 2].getDouble(),
          .rougeLsum = rows[first + 3].getDouble()};
}

// By seed; the trial's own score is the mean over its documents.
std::vector<core::ScoredTrial> LoadForeignScores(Connection& connection, const std::string& sweep_id,
                                                 const std::string& name) {
  std::vector<core::ScoredTrial> trials;
  Rows rows(
      connection.Prepare("SELECT seed, document_id, rouge1, rouge2, rougeL, rougeLsum FROM foreign_summaries"
                         " WHERE sweep_id = ? AND name = ? ORDER BY seed, document_id",
                         sweep_id, name));
  while (rows.Next()) {
    if (trials.empty() || trials.back().seed != rows.Int(0)) trials.emplace_back().seed = rows.Int(0);
    trials.back().documents.emplace_back(rows.Text(1), RougeFrom(rows, 2));
  }
  for (core::ScoredTrial& trial : trials) {
    for (const core::RougeMetric& metric : core::kRougeMetrics) {
      for (const auto& [id, rouge] : trial.documents) trial.test.*metric.value += rouge.*metric.value;
      trial.test.*metric.value /= static_cast<double>(trial.documents.size());
    }
  }
  return trials;
}

std::vector<core::ForeignComparison> LoadForeignComparisons(Connection& connection,
                                                            const std::string& sweep_id) {
  std::vector<core::ForeignComparison> comparisons;
  Rows rows(connection.Prepare(
      "SELECT name, baseline_id, metric, difference, standard_error, degrees, low, high, p_value,"
      " p_not_worse, p_equivalent, p_corrected, p_not_worse_corrected, p_equivalent_corrected, detectable,"
      " documents, seeds, baseline_seeds, verdict, reason FROM foreign_comparisons WHERE sweep_id = ?"
      " ORDER BY name, metric",
      sweep_id));
  while (rows.Next()) {
    core::ForeignComparison& row = comparisons.emplace_back();
    core::Comparison& to = row.comparison;
    row.name = rows.Text(0);
    to.sweep_id = sweep_id;
    to.baseline_id = rows.Int(1);
    to.metric = rows.Text(2);
    to.difference = rows[3].getDouble();
    int column = 4;
    for (std::optional<double>* value :
         {&to.standard_error, &to.degrees, &to.low, &to.high, &to.p_value, &to.p_not_worse, &to.p_equivalent,
          &to.p_corrected, &to.p_not_worse_corrected, &to.p_equivalent_corrected, &to.detectable}) {
      if (!rows.Null(column)) *value = rows[column].getDouble();
      ++column;
    }
    to.documents = rows.Int(column++);
    to.seeds = rows.Int(column++);
    to.baseline_seeds = rows.Int(column++);
    to.verdict = rows.Text(column++);
    to.reason = rows.Text(column);
  }
  return comparisons;
}

class SqliteScoreReader : public ScoreReader {
 public:
  SqliteScoreReader(const std::unique_ptr<Connection>& connection, const std::string& path)
      : connection_(connection), path_(path) {}

  StatusOr<std::vector<std::string>> TestDocuments(const std::string& sweep_id) override {
    return Texts("SELECT id FROM documents WHERE sweep_id = ? AND split = 'test' ORDER BY id", sweep_id);
  }

  StatusOr<std::vector<std::string>> TestedSweeps() override {
    return Texts("SELECT DISTINCT sweep_id FROM foreign_rows WHERE tested = 1 ORDER BY sweep_id");
  }

  StatusOr<std::vector<core::TestedRow>> TestedRows(const std::string& sweep_id) override {
    return Read([&]() -> StatusOr<std::vector<core::TestedRow>> {
      std::vector<core::TestedRow> tested;
      Rows rows(connection_->Prepare(
          "SELECT DISTINCT r.name, s.seed FROM foreign_rows AS r JOIN foreign_summaries AS s"
          " ON s.sweep_id = r.sweep_id AND s.name = r.name WHERE r.sweep_id = ? AND r.tested = 1"
          " ORDER BY r.name, s.seed",
          sweep_id));
      while (rows.Next()) {
        const std::string name = rows.Text(0);
        if (tested.empty() || tested.back().name != name) tested.emplace_back().name = name;
        tested.back().seeds.push_back(rows.Int(1));
      }
      return tested;
    });
  }

  StatusOr<std::vector<core::ScoredTrial>> ForeignScores(const std::string& sweep_id,
                                                         const std::string& name) override {
    return Read([&]() -> StatusOr<std::vector<core::ScoredTrial>> {
      return LoadForeignScores(*connection_, sweep_id, name);
    });
  }

  StatusOr<std::vector<core::ForeignComparison>> ForeignComparisons(const std::string& sweep_id) override {
    return Read([&]() -> StatusOr<std::vector<core::ForeignComparison>> {
      return LoadForeignComparisons(*connection_, sweep_id);
    });
  }

  StatusOr<std::vector<std::string>> Metrics(const std::string& sweep_id) override {
    return Texts("SELECT DISTINCT metric FROM score_runs WHERE sweep_id = ? ORDER BY metric", sweep_id);
  }

  StatusOr<std::vector<core::ScoreRun>> ScoreRuns(const std::string& sweep_id, const std::string& metric,
                                                  const std::string& configuration) override {
    return Read([&]() -> StatusOr<std::vector<core::ScoreRun>> {
      return LoadRuns(*connection_, sweep_id, metric, configuration);
    });
  }

 private:
  template <typename Body>
  auto Read(const Body& body) -> decltype(body()) {
    if (!connection_) return FailedPrecondition("{}: is closed", path_);
    return Guarded(path_, body);
  }
  template <typename... Args>
  StatusOr<std::vector<std::string>> Texts(const char* sql, const Args&... args) {
    return Read([&]() -> StatusOr<std::vector<std::string>> {
      std::vector<std::string> texts;
      Rows rows(connection_->Prepare(sql, args...));
      while (rows.Next()) texts.push_back(rows.Text(0));
      return texts;
    });
  }

  const std::unique_ptr<Connection>& connection_;
  const std::string path_;
};

}  // namespace

std::unique_ptr<ScoreReader> MakeScoreReader(const std::unique_ptr<Connection>& connection,
                                             const std::string& path) {
  return std::make_unique<SqliteScoreReader>(connection, path);
}

}  // namespace lorikeet::store
