#include "sweeps/report/browse.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <set>

#include "sweeps/report/database.h"
#include "sweeps/report/report.h"

namespace lorikeet::report {
namespace {

std::optional<std::int64_t> Count(const SQLite::Column& column) {
  if (column.isNull()) return std::nullopt;
  return column.getInt64();
}
// With whatever bytes it has, a zero too.
std::string Text(const SQLite::Column& column) {
  return column.isNull() ? std::string() : column.getString();
}

struct Metric {
  const char* name;
  const char* value;  // SQL on results AS r
  // The same of what a row's settings are chosen from, which nobody should look at on test.
  const char* tried;
};
constexpr Metric kMetrics[] = {
    {"rouge1", "100 * r.test_rouge1", "100 * r.validation_rouge1"},
    {"rouge2", "100 * r.test_rouge2", "100 * r.validation_rouge2"},
    {"rougeL", "100 * r.test_rougeL", "100 * r.validation_rougeL"},
    {"rougeLsum", "100 * r.test_rougeLsum", "100 * r.validation_rougeLsum"},
    {"validation_rouge1", "100 * r.validation_rouge1", "100 * r.validation_rouge1"},
    {"validation_loss", "r.validation_loss", "r.validation_loss"},
    {"train_seconds", "r.train_seconds", "r.train_seconds"},
    {"peak_memory_bytes", "r.peak_memory_bytes", "r.peak_memory_bytes"}};

class SqliteBrowse : public Browse {
 public:
  SqliteBrowse(std::string path, std::unique_ptr<SQLite::Database> database)
      : path_(std::move(path)), database_(std::move(database)) {}

  StatusOr<Grid> ReadGrid(const std::string& sweep_id, const std::string& metric,
                          const Window& window) override {
    return Guarded(path_, [&]() -> StatusOr<Grid> {
      const auto* found = std::find_if(std::begin(kMetrics), std::end(kMetrics),
                                       [&](const Metric& known) { return metric == known.name; });
      if (found == std::end(kMetrics)) return InvalidArgument("metric: there is no '{}'", metric);
      const SQLite::Transaction snapshot(*database_);
      ASSIGN_OR_RETURN(const std::string sweep, SweepName(sweep_id));
      Grid grid;
      ReadScale(sweep_id, sweep, *found, grid);
      ReadRows(sweep_id, window, grid);
      ReadCells(*found, grid);
      return grid;
    });
  }

  StatusOr<std::vector<std::string>> ReadTrialIds(const std::string& sweep_id,
                                                  const std::vector<std::int64_t>& configurations,
                                                  std::size_t most) override {
    return Guarded(path_, [&]() -> StatusOr<std::vector<std::string>> {
      const SQLite::Transaction snapshot(*database_);
      SQLite::Statement query(*database_,
                              "SELECT t.id FROM trials AS t WHERE t.configuration_id = ? AND t.sweep_id = ?"
                              " ORDER BY t.seed, t.id");
      std::vector<std::string> ids;
      for (const std::int64_t configuration : configurations) {
        query.reset();
        query.bind(1, configuration);
        query.bind(2, sweep_id);
        while (ids.size() < most && query.executeStep()) ids.push_back(Text(query.getColumn(0)));
      }
      return ids;
    });
  }

  StatusOr<TrialList> ReadTrials(const std::string& sweep_id, const TrialFilter& filter,
                                 const Window& window) override {
    return Guarded(path_, [&]() -> StatusOr<TrialList> {
      const SQLite::Transaction snapshot(*database_);
      RETURN_IF_ERROR(SweepName(sweep_id).status());
      const std::string where =
          " t.sweep_id = ?1 AND (?2 = '' OR t.state = ?2) AND (?3 = '' OR instr(lower(t.name), lower(?3)))";
      TrialList list;
      SQLite::Statement count(*database_, "SELECT count(*) FROM trials AS t WHERE" + where);
      BindFilter(count, sweep_id, filter);
      count.executeStep();
      list.trials = count.getColumn(0).getInt64();
      SQLite::Statement query(*database_, std::string(kTrialColumns) + " WHERE" + where +
                                              " ORDER BY t.position, t.id LIMIT ?4 OFFSET ?5");
      BindFilter(query, sweep_id, filter);
      query.bind(4, window.most);
      query.bind(5, window.from);
      while (query.executeStep()) list.items.push_back(ItemOf(query));
      return list;
    });
  }

  StatusOr<TrialFacts> ReadTrial(const std::string& trial_id) override {
    return Guarded(path_, [&]() -> StatusOr<TrialFacts> {
      const SQLite::Transaction snapshot(*database_);
      TrialFacts facts;
      SQLite::Statement query(*database_, std::string(kTrialColumns) + " WHERE t.id = ?");
      query.bind(1, trial_id);
      if (!query.executeStep()) return NotFound("there is no trial {}", trial_id);
      facts.item = ItemOf(query);
      SQLite::Statement sweep(*database_,
                              "SELECT w.name, w.id, f.settings FROM trial_files AS f"
                              " JOIN sweeps AS w ON w.id = f.sweep_id WHERE f.trial_id = ?");
      sweep.bind(1, trial_id);
      if (sweep.executeStep()) {
        facts.sweep = Text(sweep.getColumn(0));
        facts.sweep_id = Text(sweep.getColumn(1));
        facts.settings = Text(sweep.getColumn(2));
      }
      ReadAttempts(trial_id, facts);
      ReadResult(trial_id, facts);
      ReadArtifacts(trial_id, facts);
      ReadMetricNames(facts);
      return facts;
    });
  }

  StatusOr<std::vector<HistoryItem>> ReadHistory(const HistoryFilter& filter) override {
    return Guarded(path_, [&]() -> StatusOr<std::vector<HistoryItem>> {
      const bool of_trial = !filter.trial_id.empty();
      std::string sql =
          "SELECT e.id, e.time, e.kind, e.message, t.name, e.trial_id, e.attempt_id, w.hostname FROM events "
          "AS e"
          " LEFT JOIN trials AS t ON t.id = e.trial_id LEFT JOIN workers AS w ON w.id = e.worker_id WHERE ";
      sql += of_trial ? "e.trial_id = ?1" : "e.sweep_id = ?1";
      sql += filter.logs ? " AND e.kind = 'log'" : " AND e.kind <> 'log'";
      if (filter.before > 0) sql += " AND e.id < ?3";
      SQLite::Statement query(*database_, sql + " ORDER BY e.id DESC LIMIT ?2");
      query.bind(1, of_trial ? filter.trial_id : filter.sweep_id);
      query.bind(2, filter.most);
      if (filter.before > 0) query.bind(3, filter.before);
      std::vector<HistoryItem> items;
      while (query.executeStep()) {
        items.push_back({.id = query.getColumn(0).getInt64(),
                         .time = Text(query.getColumn(1)),
                         .kind = Text(query.getColumn(2)),
                         .message = Text(query.getColumn(3)),
                         .trial = Text(query.getColumn(4)),
                         .trial_id = Text(query.getColumn(5)),
                         .attempt_id = Text(query.getColumn(6)),
                         .hostname = Text(query.getColumn(7))});
      }
      return items;
    });
  }

  StatusOr<Comparisons> ReadComparisons(const std::string& sweep_id, const std::string& metric) override {
    return Guarded(path_, [&]() -> StatusOr<Comparisons> {
      const SQLite::Transaction snapshot(*database_);
      RETURN_IF_ERROR(SweepName(sweep_id).status());
      Comparisons comparisons{.metric = metric, .margin = {}, .items = {}};
      const bool asked = HasColumn(*database_, "sweeps", "margin");  // from version 12 on
      if (asked) {
        SQLite::Statement sweep(*database_, "SELECT primary_metric, margin FROM sweeps WHERE id = ?");
        sweep.bind(1, sweep_id);
        if (sweep.executeStep()) {
          if (metric.empty()) comparisons.metric = Text(sweep.getColumn(0));
          comparisons.margin = Number(sweep.getColumn(1));
        }
      }
      if (comparisons.metric.empty()) comparisons.metric = "rouge1";
      std::string sql =
          std::string("SELECT c.name, p.difference, p.low, p.high, p.p_value, p.p_corrected, p.verdict, ") +
          (HasColumn(*database_, "comparisons", "reason") ? "p.reason, p.detectable" : "NULL, NULL") +
          " FROM comparisons AS p JOIN configurations AS c ON c.id = p.configuration_id"
          " WHERE p.sweep_id = ?1 AND p.metric = ?2";
      if (database_->tableExists("foreign_comparisons")) {
        sql +=
            " UNION ALL SELECT name, difference, low, high, p_value, p_corrected, verdict, reason, detectable"
            " FROM foreign_comparisons WHERE sweep_id = ?1 AND metric = ?2";
      }
      SQLite::Statement query(*database_, sql);
      query.bind(1, sweep_id);
      query.bind(2, comparisons.metric);
      while (query.executeStep()) {
        comparisons.items.push_back({.configuration = Text(query.getColumn(0)),
                                     .difference = query.getColumn(1).getDouble(),
                                     .low = Number(query.getColumn(2)),
                                     .high = Number(query.getColumn(3)),
                                     .p_value = Number(query.getColumn(4)),
                                     .p_corrected = Number(query.getColumn(5)),
                                     .detectable = Number(query.getColumn(8)),
                                     .verdict = Text(query.getColumn(6)),
                                     .reason = Text(query.getColumn(7))});
      }
      return comparisons;
    });
  }

  StatusOr<std::map<std::string, std::int64_t>> LastEvents() override {
    return Guarded(path_, [&]() -> StatusOr<std::map<std::string, std::int64_t>> {
      std::map<std::string, std::int64_t> last;
      SQLite::Statement query(
          *database_,
          "SELECT id, coalesce((SELECT max(e.id) FROM events AS e WHERE e.sweep_id = w.id), 0)"
          " FROM sweeps AS w");
      while (query.executeStep()) last[Text(query.getColumn(0))] = query.getColumn(1).getInt64();
      return last;
    });
  }

 private:
  static constexpr const char* kTrialColumns =
      "SELECT t.id, t.name, c.name, c.arm, t.state, t.failure_kind, t.failure_message, t.seed, t.failures,"
      " t.interruptions, coalesce(a.number, 0), w.hostname, a.device, a.started_at, a.ended_at,"
      " 100 * r.test_rouge1, 100 * r.test_rouge2, 100 * r.test_rougeL, 100 * r.test_rougeLsum"
      " FROM trials AS t JOIN configurations AS c ON c.id = t.configuration_id"
      " LEFT JOIN results AS r ON r.trial_id = t.id"
      " LEFT JOIN attempts AS a ON a.trial_id = t.id"
      "  AND a.number = (SELECT max(number) FROM attempts WHERE trial_id = t.id)"
      " LEFT JOIN workers AS w ON w.id = a.worker_id";

  static TrialItem ItemOf(SQLite::Statement& query) {
    return {.id = Text(query.getColumn(0)),
            .name = Text(query.getColumn(1)),
            .configuration = Text(query.getColumn(2)),
            .arm = Text(query.getColumn(3)),
            .state = Text(query.getColumn(4)),
            .failure_kind = Text(query.getColumn(5)),
            .failure_message = Text(query.getColumn(6)),
            .seed = query.getColumn(7).getInt64(),
            .failures = query.getColumn(8).getInt64(),
            .interruptions = query.getColumn(9).getInt64(),
            .attempts = query.getColumn(10).getInt64(),
            .hostname = Text(query.getColumn(11)),
            .device = Text(query.getColumn(12)),
            .started_at = Text(query.getColumn(13)),
            .ended_at = Text(query.getColumn(14)),
            .rouge1 = Number(query.getColumn(15)),
            .rouge2 = Number(query.getColumn(16)),
            .rougeL = Number(query.getColumn(17)),
            .rougeLsum = Number(query.getColumn(18))};
  }

  static void BindFilter(SQLite::Statement& query, const std::string& sweep_id, const TrialFilter& filter) {
    query.bind(1, sweep_id);
    query.bind(2, filter.state);
    query.bind(3, filter.text);
  }

  StatusOr<std::string> SweepName(const std::string& sweep_id) {
    SQLite::Statement query(*database_, "SELECT name FROM sweeps WHERE id = ?");
    query.bind(1, sweep_id);
    if (!query.executeStep()) return NotFound("there is no sweep {}", sweep_id);
    return Text(query.getColumn(0));
  }

  void ReadScale(const std::string& sweep_id, const std::string& sweep, const Metric& metric, Grid& grid) {
    const std::string value =
        fmt::format("CASE WHEN c.candidate_of IS NULL THEN {} ELSE {} END", metric.value, metric.tried);
    SQLite::Statement query(*database_, "SELECT min(" + value + "), max(" + value +
                                            ") FROM results AS r INDEXED BY results_by_configuration"
                                            " JOIN configurations AS c ON c.sweep_id = ?2 AND c.name = "
                                            "r.configuration WHERE r.sweep = ?1");
    query.bind(1, sweep);
    query.bind(2, sweep_id);
    query.executeStep();
    grid.low = Number(query.getColumn(0));
    grid.high = Number(query.getColumn(1));
  }

  void ReadRows(const std::string& sweep_id, const Window& window, Grid& grid) {
    SQLite::Statement count(*database_, "SELECT count(*) FROM configurations WHERE sweep_id = ?");
    count.bind(1, sweep_id);
    count.executeStep();
    grid.configurations = count.getColumn(0).getInt64();
    SQLite::Statement query(*database_,
                            "SELECT id, name, arm, baseline, candidate_of IS NOT NULL FROM configurations"
                            " WHERE sweep_id = ?"
                            " ORDER BY position, id LIMIT ? OFFSET ?");
    query.bind(1, sweep_id);
    query.bind(2, window.most);
    query.bind(3, window.from);
    while (query.executeStep()) {
      grid.rows.push_back({.configuration_id = query.getColumn(0).getInt64(),
                           .configuration = Text(query.getColumn(1)),
                           .arm = Text(query.getColumn(2)),
                           .baseline = query.getColumn(3).getInt() != 0,
                           .candidate = query.getColumn(4).getInt() != 0,
                           .cells = {}});
    }
  }

  void ReadCells(const Metric& metric, Grid& grid) {
    const auto cells = [](const char* value) {
      return fmt::format(
          "SELECT t.id, t.state, t.failure_kind, t.seed, {} FROM trials AS t LEFT JOIN results AS r ON "
          "r.trial_id = "
          "t.id WHERE t.configuration_id = ? ORDER BY t.seed, t.id",
          value);
    };
    SQLite::Statement of_row(*database_, cells(metric.value)), of_candidate(*database_, cells(metric.tried));
    std::set<std::int64_t> seeds;
    for (GridRow& row : grid.rows) {
      SQLite::Statement& query = row.candidate ? of_candidate : of_row;
      query.reset();
      query.bind(1, row.configuration_id);
      while (query.executeStep()) {
        row.cells.push_back({.trial_id = Text(query.getColumn(0)),
                             .state = Text(query.getColumn(1)),
                             .failure_kind = Text(query.getColumn(2)),
                             .seed = query.getColumn(3).getInt64(),
                             .value = Number(query.getColumn(4))});
        seeds.insert(row.cells.back().seed);
      }
    }
    grid.seeds.assign(seeds.begin(), seeds.end());
  }

  void ReadAttempts(const std::string& trial_id, TrialFacts& facts) {
    SQLite::Statement query(
        *database_,
        "SELECT a.id, a.state, a.worker_id, w.hostname, a.device, a.device_model, a.build,"
        " a.failure_kind, a.failure_message, a.granted_at, a.started_at, a.ended_at, a.number,"
        " a.threads, a.micro_batch_size FROM attempts AS a LEFT JOIN workers AS w"
        " ON w.id = a.worker_id WHERE a.trial_id = ? ORDER BY a.number DESC LIMIT 200");
    query.bind(1, trial_id);
    while (query.executeStep()) {
      facts.attempts.push_back({.id = Text(query.getColumn(0)),
                                .state = Text(query.getColumn(1)),
                                .worker_id = Text(query.getColumn(2)),
                                .hostname = Text(query.getColumn(3)),
                                .device = Text(query.getColumn(4)),
                                .device_model = Text(query.getColumn(5)),
                                .build = Text(query.getColumn(6)),
                                .failure_kind = Text(query.getColumn(7)),
                                .failure_message = Text(query.getColumn(8)),
                                .granted_at = Text(query.getColumn(9)),
                                .started_at = Text(query.getColumn(10)),
                                .ended_at = Text(query.getColumn(11)),
                                .number = query.getColumn(12).getInt64(),
                                .threads = Count(query.getColumn(13)),
                                .micro_batch_size = Count(query.getColumn(14))});
    }
    std::reverse(facts.attempts.begin(), facts.attempts.end());
  }

  void ReadResult(const std::string& trial_id, TrialFacts& facts) {
    SQLite::Statement query(*database_, "SELECT * FROM results WHERE trial_id = ?");
    query.bind(1, trial_id);
    if (!query.executeStep()) return;
    for (int i = 0; i < query.getColumnCount(); ++i) {
      const SQLite::Column column = query.getColumn(i);
      NamedValue value{.name = query.getColumnName(i), .number = {}, .text = {}};
      if (column.isText()) {
        value.text = Text(column);
      } else {
        value.number = Number(column);
      }
      facts.result.push_back(std::move(value));
    }
  }

  void ReadArtifacts(const std::string& trial_id, TrialFacts& facts) {
    if (!database_->tableExists("artifacts")) return;
    SQLite::Statement query(*database_,
                            "SELECT kind, created_at, files, step, bytes FROM artifacts WHERE trial_id = ?"
                            " ORDER BY kind");
    query.bind(1, trial_id);
    while (query.executeStep()) {
      facts.artifacts.push_back({.kind = Text(query.getColumn(0)),
                                 .created_at = Text(query.getColumn(1)),
                                 .files = Text(query.getColumn(2)),
                                 .step = query.getColumn(3).getInt64(),
                                 .bytes = query.getColumn(4).getInt64()});
    }
  }

  // By the primary key, name by name: a curve's points are many.
  void ReadMetricNames(TrialFacts& facts) {
    SQLite::Statement next(*database_, "SELECT min(name) FROM metrics WHERE attempt_id = ? AND name > ?");
    std::set<std::string> names;
    for (const AttemptItem& attempt : facts.attempts) {
      for (std::string name; names.size() < kMostNames;) {
        next.reset();
        next.bind(1, attempt.id);
        next.bind(2, name);
        if (!next.executeStep() || next.getColumn(0).isNull()) break;
        name = Text(next.getColumn(0));
        names.insert(name);
      }
    }
    facts.metrics.assign(names.begin(), names.end());
  }
  static constexpr std::size_t kMostNames = 200;

  const std::string path_;
  const std::unique_ptr<SQLite::Database> database_;
};

}  // namespace

const std::vector<std::string>& GridMetrics() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> made;
    for (const Metric& metric : kMetrics) made.emplace_back(metric.name);
    return made;
  }();
  return names;
}

StatusOr<std::unique_ptr<Browse>> Browse::Open(const std::string& database_path) {
  // It knows what is a database of ours and what is none.
  RETURN_IF_ERROR(Report::Open(database_path).status());
  return Guarded(database_path, [&]() -> StatusOr<std::unique_ptr<Browse>> {
    return std::make_unique<SqliteBrowse>(database_path, OpenReadOnly(database_path));
  });
}

}  // namespace lorikeet::report
