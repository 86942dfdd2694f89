// One sweep of a results database, found by its id or name. Internal to sweeps/report.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <string>

#include "common/status.h"
#include "sweeps/report/series.h"

namespace lorikeet::report {

// NotFound names the nearest, or the newest. `path` is for messages. Throws as SQLiteCpp does.
StatusOr<SweepFacts> ReadFacts(SQLite::Database& database, const std::string& path, const std::string& sweep);

// `wanted` itself where it is one of `known`; else InvalidArgument: "there is no WHAT 'wanted'", the nearest
// and all that there are.
StatusOr<std::string> OneOf(const char* what, const std::string& wanted,
                            const std::vector<std::string>& known);

}  // namespace lorikeet::report
