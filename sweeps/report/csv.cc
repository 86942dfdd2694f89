// A sweep's rows of a table or a view, as CSV (RFC 4180): values as the database has them, NULL as nothing.
#include <algorithm>
#include <deque>

#include "common/nearest.h"
#include "sweeps/report/extracts.h"

namespace lorikeet::report {
namespace {

constexpr int kRowsAPage = 1000;

// What is long is read in pages: of one trial or attempt (`units`) after a key of two columns, which are the
// first of the page's and are not written.
struct CsvTable {
  const char* name;
  const char* units;  // ids, by the sweep's id; null: one page, by the sweep's name
  const char* page;   // ?1: the unit (or the sweep's name), ?2 and ?3: the key behind which to go on
};

constexpr CsvTable kTables[] = {
    {"rouge_table", nullptr, "SELECT * FROM rouge_table WHERE sweep = ?1"},
    {"versus_full", nullptr, "SELECT * FROM versus_full WHERE sweep = ?1"},
    {"sensitivity", nullptr, "SELECT * FROM sensitivity WHERE sweep = ?1"},
    {"comparisons", nullptr,
     "SELECT w.name AS sweep, c.name AS configuration, b.name AS baseline, p.* FROM sweeps AS w"
     " JOIN configurations AS c ON c.sweep_id = w.id JOIN comparisons AS p ON p.configuration_id = c.id"
     " JOIN configurations AS b ON b.id = p.baseline_id WHERE w.name = ?1 ORDER BY c.position, c.id, "
     "p.metric"},
    {"score_table", nullptr, "SELECT * FROM score_table WHERE sweep = ?1"},
    {"benchmark_table", nullptr, "SELECT * FROM benchmark_table WHERE sweep = ?1"},
    {"trials", nullptr,
     "SELECT w.name AS sweep, c.arm, c.name AS configuration, t.* FROM sweeps AS w"
     " JOIN configurations AS c ON c.sweep_id = w.id JOIN trials AS t ON t.configuration_id = c.id"
     " WHERE w.name = ?1 ORDER BY c.position, c.id, t.seed"},
    {"results", nullptr,
     "SELECT r.* FROM sweeps AS w JOIN configurations AS c ON c.sweep_id = w.id"
     " JOIN trials AS t ON t.configuration_id = c.id JOIN results AS r ON r.trial_id = t.id"
     " WHERE w.name = ?1 ORDER BY c.position, c.id, t.seed"},
    {"metrics",
     "SELECT a.id FROM configurations AS c JOIN trials AS t ON t.configuration_id = c.id"
     " JOIN attempts AS a ON a.trial_id = t.id WHERE c.sweep_id = ? ORDER BY c.position, c.id, t.seed, "
     "a.number",
     "SELECT m.name, m.step, c.name AS configuration, t.seed, t.id AS trial_id, m.attempt_id, a.number AS "
     "attempt,"
     " EXISTS (SELECT 1 FROM results AS r WHERE r.attempt_id = a.id) AS accepted, m.step, m.name, m.value"
     " FROM metrics AS m JOIN attempts AS a ON a.id = m.attempt_id JOIN trials AS t ON t.id = a.trial_id"
     " JOIN configurations AS c ON c.id = t.configuration_id"
     " WHERE m.attempt_id = ?1 AND (m.name, m.step) > (?2, ?3) ORDER BY m.name, m.step"},
    {"predictions",
     "SELECT t.id FROM configurations AS c JOIN trials AS t ON t.configuration_id = c.id"
     " WHERE c.sweep_id = ? ORDER BY c.position, c.id, t.seed",
     "SELECT p.split, p.document_id, c.name AS configuration, t.seed, p.* FROM predictions AS p"
     " JOIN trials AS t ON t.id = p.trial_id JOIN configurations AS c ON c.id = t.configuration_id"
     " WHERE p.trial_id = ?1 AND (p.split, p.document_id) > (?2, ?3) ORDER BY p.split, p.document_id"},
};

std::string Cell(const Json& value) {
  if (value.is_null()) return "";
  std::string text = Plain(value);
  if (text.empty()) return "\"\"";  // unlike NULL
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

void BindKey(SQLite::Statement& query, int index, const Json& key) {
  if (key.is_number()) {
    query.bind(index, key.get<std::int64_t>());
  } else {
    query.bind(index, key.is_null() ? std::string() : key.get<std::string>());
  }
}

class Csv : public Extract {
 public:
  Csv(Source source, const CsvTable& table, std::deque<std::string> units)
      : source_(std::move(source)), table_(table), units_(std::move(units)) {
    if (units_.empty()) units_.emplace_back();  // for the heading
  }

 protected:
  StatusOr<bool> More(std::string& text) override {
    return Guarded(source_.path, [&]() -> StatusOr<bool> {
      if (units_.empty()) return false;
      const int hidden = table_.units != nullptr ? 2 : 0;
      SQLite::Statement query(*source_.database,
                              table_.page + (hidden > 0 ? fmt::format(" LIMIT {}", kRowsAPage) : ""));
      query.bind(1, units_.front());
      if (hidden > 0) {
        BindKey(query, 2, keys_[0]);
        BindKey(query, 3, keys_[1]);
      }
      if (!headed_) {
        for (int i = hidden; i < query.getColumnCount(); ++i)
          text += (i > hidden ? "," : "") + Cell(query.getColumnName(i));
        text += "\r\n";
        headed_ = true;
      }
      int rows = 0;
      for (; query.executeStep(); ++rows) {
        for (int i = hidden; i < query.getColumnCount(); ++i)
          text += (i > hidden ? "," : "") + Cell(ValueJson(query.getColumn(i)));
        text += "\r\n";
        for (int i = 0; i < hidden; ++i) keys_[i] = ValueJson(query.getColumn(i));
      }
      if (hidden > 0 && rows == kRowsAPage) return true;
      units_.pop_front();
      keys_[0] = keys_[1] = Json();
      return true;
    });
  }

 private:
  Source source_;
  const CsvTable& table_;
  std::deque<std::string> units_;  // the first is under way
  Json keys_[2];                   // how far that has come
  bool headed_ = false;
};

}  // namespace

const std::vector<std::string>& CsvTables() {
  static const auto* const kNames = [] {
    auto* names = new std::vector<std::string>;
    for (const CsvTable& table : kTables) names->emplace_back(table.name);
    return names;
  }();
  return *kNames;
}

StatusOr<std::unique_ptr<Extract>> MakeCsv(Source source, const ExtractRequest& request) {
  const auto table = std::find_if(std::begin(kTables), std::end(kTables),
                                  [&](const CsvTable& known) { return request.table == known.name; });
  if (table == std::end(kTables)) {
    return InvalidArgument("there is no table '{}' to export{}", request.table,
                           DidYouMean(request.table, CsvTables()));
  }
  ASSIGN_OR_RETURN(const FoundSweep sweep, FindSweep(source, request.name));
  std::deque<std::string> units;
  if (table->units == nullptr) {
    units.push_back(sweep.name);
  } else {
    SQLite::Statement query(*source.database, table->units);
    query.bind(1, sweep.id);
    while (query.executeStep()) units.push_back(query.getColumn(0).getString());
  }
  return std::make_unique<Csv>(std::move(source), *table, std::move(units));
}

}  // namespace lorikeet::report
