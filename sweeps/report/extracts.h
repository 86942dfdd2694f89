// Each kind of extract, and what they share. Internal to sweeps/report.
//
// They may throw SQLite::Exception and nlohmann's; extract.cc turns what opening throws into a status, and
// More() does so itself.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"
#include "sweeps/report/database.h"
#include "sweeps/report/extract.h"

namespace lorikeet::report {

using Json = nlohmann::ordered_json;

struct Source {
  std::string path;
  int version = 0;  // of the schema
  std::unique_ptr<SQLite::Database> database;
};

struct FoundSweep {
  std::string id, name, state, baseline, build, submitted_at, finished_at, text;
  std::int64_t trials = 0;
};
// An id or a name; NotFound names the nearest.
StatusOr<FoundSweep> FindSweep(Source& source, const std::string& sweep);

struct FoundTrial {
  std::string id, name, sweep_id, sweep, configuration, arm, state;
  std::int64_t configuration_id = 0, seed = 0;
};
// An id, a name, or SWEEP/TRIAL; InvalidArgument where several sweeps have the name.
StatusOr<FoundTrial> FindTrial(Source& source, const std::string& trial);

// A row as JSON: names of columns, and values as SQLite has them.
Json RowJson(SQLite::Statement& row);
Json ValueJson(const SQLite::Column& column);
// What is stored as JSON text; null where it is none.
Json Parsed(const std::string& text);
// The row of `results` of a trial; null where it has none.
Json ResultOf(Source& source, const std::string& trial_id);
// What `sweep-trainer train --trial` reads of it.
Json TrialFileOf(Source& source, const std::string& trial_id);
// The value of a key; null where `json` is no object, or has none.
const Json& At(const Json& json, const std::string& key);
// Neither null nor an empty text.
bool IsSet(const Json& value);
// A line for programs: bytes that are no UTF-8 are replaced.
std::string Dump(const Json& json, int indent = -1);
// `value`, a scalar, as a person writes it: no quotes, the shortest digits.
std::string Plain(const Json& value);

StatusOr<std::unique_ptr<Extract>> MakePredictions(Source source, const ExtractRequest& request);
StatusOr<std::unique_ptr<Extract>> MakeScoring(Source source, const ExtractRequest& request);
StatusOr<std::unique_ptr<Extract>> MakeRuns(Source source, const ExtractRequest& request);
StatusOr<std::unique_ptr<Extract>> MakeCsv(Source source, const ExtractRequest& request);
StatusOr<std::string> TellReproduce(Source& source, const ExtractRequest& request);
StatusOr<std::string> TellMethods(Source& source, const ExtractRequest& request);
StatusOr<std::string> TellDiff(Source& source, const ExtractRequest& request);
StatusOr<std::string> TellCard(Source& source, const ExtractRequest& request);

}  // namespace lorikeet::report
