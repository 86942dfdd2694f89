#include "sweeps/report/report.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <exception>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "sweeps/report/answer.h"
#include "sweeps/report/benchmarks.h"
#include "sweeps/report/database.h"
#include "sweeps/report/scores.h"
#include "sweeps/report/verdicts.h"

namespace lorikeet::report {
namespace {

constexpr int kOldestVersion = 2;        // the first with the views
constexpr int kFingerprintsVersion = 8;  // the first whose rouge_table has them
constexpr int kChosenVersion = 12;       // the first that has the primary metric on validation

std::optional<std::int64_t> Int(const SQLite::Column& column) {
  if (column.isNull()) return std::nullopt;
  return column.getInt64();
}

// "bad_input" is for programs.
std::string FailureText(std::int64_t count, std::string kind) {
  for (char& c : kind) {
    if (c == '_') c = ' ';
  }
  return fmt::format("{} {}", count, kind);
}

class SqliteReport : public Report {
 public:
  SqliteReport(std::string path, int version, std::unique_ptr<SQLite::Database> database)
      : path_(std::move(path)), version_(version), database_(std::move(database)) {}

  StatusOr<Table> ReadTable(const std::string& sweep) override {
    try {
      // One snapshot for all that is read; short, since an open one keeps the WAL from being moved into the
      // file.
      const SQLite::Transaction snapshot(*database_);
      Table table;
      RETURN_IF_ERROR(ReadSweep(sweep, table));
      ReadQuestion(*database_, version_, table);
      const Positions positions = ReadPositions(table);
      const bool mixed = ReadRows(table, positions);
      ReadVerdicts(*database_, version_, positions, table);
      ReadCounts(table, positions);
      ReadForeignRows(*database_, version_, table);
      ReadForeignVerdicts(*database_, table);
      ReadScores(*database_, table);
      table.benchmarks = ReadBenchmarks(*database_, table.sweep);
      if (mixed) ReadMixture(table);
      table.answer = Answer(table);
      return table;
    } catch (const SQLite::Exception& error) {
      return ToStatus(error, path_);
    } catch (const std::exception& error) {
      return Internal("{}: {}", path_, error.what());
    }
  }

  StatusOr<std::vector<std::string>> SweepNames() override {
    try {
      return report::SweepNames(*database_);
    } catch (const SQLite::Exception& error) {
      return ToStatus(error, path_);
    }
  }

 private:
  Status ReadSweep(const std::string& sweep, Table& table) {
    SQLite::Statement query(
        *database_,
        "SELECT id, name, state, baseline, trials, notes,"
        // By the index that holds the states: a sweep's trials are many.
        " (SELECT count(*) FROM configurations AS c CROSS JOIN trials AS t ON t.configuration_id = c.id"
        "  WHERE c.sweep_id = w.id AND t.state = 'succeeded'),"
        " (SELECT count(*) FROM configurations AS c CROSS JOIN trials AS t ON t.configuration_id = c.id"
        "  WHERE c.sweep_id = w.id AND t.state = 'failed')"
        " FROM sweeps AS w WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1");
    query.bind(1, sweep);
    if (!query.executeStep()) return NoSuchSweep(*database_, path_, sweep);
    table.sweep_id = query.getColumn(0).getString();
    table.sweep = query.getColumn(1).getString();
    table.state = query.getColumn(2).getString();
    table.baseline = query.getColumn(3).getString();
    table.trials = query.getColumn(4).getInt64();
    table.notes = nlohmann::json::parse(query.getColumn(5).getString()).get<std::vector<std::string>>();
    table.succeeded = query.getColumn(6).getInt64();
    table.failed = query.getColumn(7).getInt64();
    return absl::OkStatus();
  }

  // Where each row stands in the table.
  using Positions = std::unordered_map<std::string, std::size_t>;
  Positions ReadPositions(const Table& table) {
    Positions positions;
    SQLite::Statement query(*database_, "SELECT name FROM configurations WHERE sweep_id = ?" +
                                            RowsAlone(version_, "") + " ORDER BY position, id");
    query.bind(1, table.sweep_id);
    while (query.executeStep()) positions.emplace(query.getColumn(0).getString(), positions.size());
    return positions;
  }

  // One pass over the view: joining views by name would be quadratic in the configurations. Returns whether
  // the results may come from several versions of the files.
  bool ReadRows(Table& table, const Positions& positions) {
    table.rows.resize(positions.size());
    const bool fingerprints = version_ >= kFingerprintsVersion;
    bool mixed = !fingerprints;
    std::set<std::string> data, model;
    SQLite::Statement query(
        *database_,
        std::string(
            "SELECT r.arm, r.configuration, r.baseline, r.seeds, r.planned, r.failed,"
            " r.rouge1_mean, r.rouge1_sd, r.rouge2_mean, r.rouge2_sd, r.rougeL_mean, r.rougeL_sd, "
            "r.rougeLsum_mean,"
            " r.rougeLsum_sd, r.validation_rouge1_mean, r.validation_loss_mean,"
            " r.trainable_parameters, r.trainable_percent / 100, r.train_seconds, r.tokens_per_second,"
            " r.generated_tokens_per_second, r.latency_p50_seconds, r.latency_p95_seconds, "
            "r.peak_memory_bytes,"
            " r.adapter_bytes, r.device_model") +
            (fingerprints ? ", r.data_fingerprint, r.model_fingerprint" : "") +
            (version_ >= kChosenVersion ? fmt::format(", r.validation_{}_mean, r.kept_last",
                                                      table.primary)  // one of four, by its CHECK
                                        : std::string()) +
            (version_ >= kTuneVersion ? ", r.tries, r.chosen, r.edge" : "") +
            " FROM rouge_table AS r WHERE r.sweep = ?");
    query.bind(1, table.sweep);
    while (query.executeStep()) {
      int column = 0;
      const auto next = [&] { return query.getColumn(column++); };
      const auto mean_sd = [&] {
        const auto mean = Number(next());
        return MeanSd{.mean = mean, .sd = Number(next())};
      };
      Row row;
      row.arm = next().getString();
      row.reference = row.arm == "zero_shot" || row.arm == "lead";
      row.configuration = next().getString();
      row.baseline = next().getInt() != 0;
      row.seeds = next().getInt64();
      row.planned = next().getInt64();
      row.failed = next().getInt64();
      row.rouge1 = mean_sd();
      row.rouge2 = mean_sd();
      row.rougeL = mean_sd();
      row.rougeLsum = mean_sd();
      row.validation_rouge1 = Number(next());
      row.validation_loss = Number(next());
      row.trainable_parameters = Int(next());
      row.trainable_share = Number(next());
      row.train_seconds = Number(next());
      row.tokens_per_second = Number(next());
      row.generated_tokens_per_second = Number(next());
      row.latency_p50_seconds = Number(next());
      row.latency_p95_seconds = Number(next());
      row.peak_memory_bytes = Int(next());
      row.adapter_bytes = Int(next());
      const SQLite::Column device = next();
      if (!device.isNull()) row.device_model = device.getString();
      if (fingerprints && row.seeds > 0) {
        for (std::set<std::string>* versions : {&data, &model}) {
          const SQLite::Column version = next();
          if (version.isNull()) {
            mixed = true;  // the row's own seeds differ
          } else if (const std::string value = version.getString(); !value.empty()) {
            versions->insert(value);
          }
        }
      }
      if (version_ >= kChosenVersion) {
        const int at = query.getColumnCount() - (version_ >= kTuneVersion ? 5 : 2);
        row.validation_primary = Number(query.getColumn(at));
        const std::int64_t kept_last = query.getColumn(at + 1).getInt64();
        row.still_improving = !row.reference && kept_last > 0 && 2 * kept_last >= row.seeds;
      }
      if (version_ >= kTuneVersion) {
        row.tries = query.getColumn(query.getColumnCount() - 3).getInt64();
        row.chosen = query.getColumn(query.getColumnCount() - 2).getString();
        row.edge = query.getColumn(query.getColumnCount() - 1).getString();
      }
      table.rows[positions.at(row.configuration)] = std::move(row);
    }
    return mixed || data.size() > 1 || model.size() > 1;
  }

  // Files that changed while the sweep ran, or that differ between hosts, make rows that say nothing about
  // each other.
  void ReadMixture(Table& table) {
    SQLite::Statement query(
        *database_,
        "SELECT count(DISTINCT data_fingerprint), count(DISTINCT nullif(model_fingerprint, ''))"
        " FROM results WHERE sweep = ?");
    query.bind(1, table.sweep);
    if (!query.executeStep()) return;
    const auto warn = [&](std::int64_t versions, const char* what, const char* column) {
      if (versions < 2) return;
      table.mixed = true;
      table.notes.push_back(
          fmt::format("the results come from {} versions of the {}, which changed meanwhile or differ "
                      "between hosts (results.{}): "
                      "rows and seeds cannot be compared",
                      versions, what, column));
    };
    warn(query.getColumn(0).getInt64(), "documents", "data_fingerprint");
    warn(query.getColumn(1).getInt64(), "base model", "model_fingerprint");
  }

  // How many trials of each row run, failed (by kind) or were cancelled.
  void ReadCounts(Table& table, const Positions& positions) {
    SQLite::Statement query(*database_,
                            "SELECT c.name, t.state, coalesce(t.failure_kind, 'failed') AS kind, count(*)"
                            " FROM configurations AS c CROSS JOIN trials AS t ON t.configuration_id = c.id"
                            " WHERE c.sweep_id = ? AND t.state IN ('running', 'failed', 'cancelled')" +
                                RowsAlone(version_, "c.") +
                                " GROUP BY c.id, t.state, CASE t.state WHEN 'failed' THEN kind END"
                                " ORDER BY c.position, t.state DESC, kind");
    query.bind(1, table.sweep_id);
    while (query.executeStep()) {
      const std::string state = query.getColumn(1).getString();
      const std::int64_t count = query.getColumn(3).getInt64();
      Row& row = table.rows[positions.at(query.getColumn(0).getString())];
      if (state == "running") {
        row.running = count;
      } else {
        row.failures.push_back(FailureText(
            count, state == "failed" ? query.getColumn(2).getString() : std::string("cancelled")));
      }
    }
  }

  std::string path_;
  int version_;
  std::unique_ptr<SQLite::Database> database_;
};

}  // namespace

StatusOr<std::unique_ptr<Report>> Report::Open(const std::string& database_path) {
  std::error_code ignored;
  if (!std::filesystem::exists(database_path, ignored))
    return NotFound("{}: there is no such file", database_path);
  try {
    auto database = OpenReadOnly(database_path);
    const int version = database->execAndGet("PRAGMA user_version").getInt();
    if (!database->tableExists("sweeps")) {
      return InvalidArgument("{}: is a SQLite database, but not one of Lorikeet's", database_path);
    }
    if (version < kOldestVersion) {
      return FailedPrecondition(
          "{}: the database has version {}, tables need version {}; start sweep-coordinator on it once, "
          "which brings it "
          "forward",
          database_path, version, kOldestVersion);
    }
    return std::make_unique<SqliteReport>(database_path, version, std::move(database));
  } catch (const SQLite::Exception& error) {
    return ToStatus(error, database_path);
  }
}

}  // namespace lorikeet::report
