// Sweeps and trials by what people call them, and rows as JSON.
#include "common/nearest.h"
#include "sweeps/report/database.h"
#include "sweeps/report/extracts.h"

namespace lorikeet::report {
namespace {

constexpr int kMostCandidates = 10'000;  // to look for a near name in

std::vector<std::string> Strings(Source& source, const std::string& sql, const std::string& parameter = "") {
  std::vector<std::string> strings;
  SQLite::Statement query(*source.database, sql);
  if (!parameter.empty()) query.bind(1, parameter);
  while (query.executeStep()) strings.push_back(query.getColumn(0).getString());
  return strings;
}

constexpr const char* kTrials =
    "SELECT t.id, t.name, t.sweep_id, w.name, c.name, c.arm, t.state, c.id, t.seed"
    " FROM trials AS t JOIN sweeps AS w ON w.id = t.sweep_id"
    " JOIN configurations AS c ON c.id = t.configuration_id WHERE ";

FoundTrial TrialOf(SQLite::Statement& row) {
  FoundTrial trial;
  int column = 0;
  for (std::string* field : {&trial.id, &trial.name, &trial.sweep_id, &trial.sweep, &trial.configuration,
                             &trial.arm, &trial.state})
    *field = row.getColumn(column++).getString();
  trial.configuration_id = row.getColumn(column++).getInt64();
  trial.seed = row.getColumn(column++).getInt64();
  return trial;
}

StatusOr<FoundTrial> TrialInSweep(Source& source, const FoundSweep& sweep, const std::string& name) {
  SQLite::Statement query(*source.database, std::string(kTrials) + "t.sweep_id = ? AND t.name = ?");
  query.bind(1, sweep.id);
  query.bind(2, name);
  if (query.executeStep()) return TrialOf(query);
  return NotFound(
      "{}: sweep {} has no trial '{}'{}", source.path, sweep.name, name,
      DidYouMean(name,
                 Strings(source,
                         fmt::format("SELECT name FROM trials WHERE sweep_id = ? ORDER BY position LIMIT {}",
                                     kMostCandidates),
                         sweep.id)));
}

}  // namespace

StatusOr<FoundSweep> FindSweep(Source& source, const std::string& sweep) {
  SQLite::Statement query(
      *source.database,
      "SELECT id, name, state, baseline, build, submitted_at, coalesce(finished_at, ''),"
      " text, trials FROM sweeps WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1");
  query.bind(1, sweep);
  if (!query.executeStep()) return NoSuchSweep(*source.database, source.path, sweep);
  FoundSweep found;
  int column = 0;
  for (std::string* field : {&found.id, &found.name, &found.state, &found.baseline, &found.build,
                             &found.submitted_at, &found.finished_at, &found.text})
    *field = query.getColumn(column++).getString();
  found.trials = query.getColumn(column).getInt64();
  return found;
}

StatusOr<FoundTrial> FindTrial(Source& source, const std::string& trial) {
  SQLite::Statement query(*source.database,
                          std::string(kTrials) + "t.id = ?1 OR t.name = ?1 ORDER BY t.id = ?1 DESC, t.rowid");
  query.bind(1, trial);
  std::vector<FoundTrial> found;
  while (query.executeStep()) {
    found.push_back(TrialOf(query));
    if (found.front().id == trial) break;
  }
  if (found.size() == 1) return found.front();
  if (found.size() > 1) {
    std::string choices;
    for (const FoundTrial& one : found)
      choices += (choices.empty() ? "" : ", ") + fmt::format("'{}/{}'", one.sweep, one.name);
    return InvalidArgument("{}: {} sweeps have a trial '{}'; say which: {}", source.path, found.size(), trial,
                           choices);
  }
  if (const auto slash = trial.find('/'); slash != std::string::npos) {
    ASSIGN_OR_RETURN(const FoundSweep sweep, FindSweep(source, trial.substr(0, slash)));
    return TrialInSweep(source, sweep, trial.substr(slash + 1));
  }
  const std::vector<std::string> sweeps = Strings(source, "SELECT name FROM sweeps");
  for (const std::string& sweep : sweeps) {
    if (sweep == trial) {
      return InvalidArgument("'{0}' is a sweep; name one of its trials: `sweepctl trials {0}` lists them",
                             trial);
    }
  }
  return NotFound(
      "{}: holds no trial '{}'{}", source.path, trial,
      DidYouMean(trial, Strings(source, fmt::format("SELECT name FROM trials LIMIT {}", kMostCandidates))));
}

Json ValueJson(const SQLite::Column& column) {
  if (column.isNull()) return nullptr;
  if (column.isInteger()) return column.getInt64();
  if (column.isFloat()) return column.getDouble();
  return column.getString();
}

Json RowJson(SQLite::Statement& row) {
  Json json = Json::object();
  for (int i = 0; i < row.getColumnCount(); ++i) json[row.getColumnName(i)] = ValueJson(row.getColumn(i));
  return json;
}

Json Parsed(const std::string& text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_discarded() ? Json() : json;
}

Json ResultOf(Source& source, const std::string& trial_id) {
  SQLite::Statement query(*source.database, "SELECT * FROM results WHERE trial_id = ?");
  query.bind(1, trial_id);
  return query.executeStep() ? RowJson(query) : Json();
}

Json TrialFileOf(Source& source, const std::string& trial_id) {
  SQLite::Statement query(*source.database, "SELECT settings FROM trial_files WHERE trial_id = ?");
  query.bind(1, trial_id);
  return query.executeStep() ? Parsed(query.getColumn(0).getString()) : Json();
}

const Json& At(const Json& json, const std::string& key) {
  static const Json* const kNull = new Json;
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found == json.end() ? *kNull : *found;
}

bool IsSet(const Json& value) {
  return !value.is_null() && !(value.is_string() && value.get_ref<const std::string&>().empty());
}

std::string Dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string Plain(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return Dump(value);
}

}  // namespace lorikeet::report
