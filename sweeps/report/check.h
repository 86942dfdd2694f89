// Whether a results database holds what the coordinator promises of it.
#pragma once

#include <string>
#include <vector>

#include "common/status.h"

namespace lorikeet::report {

// What must hold in every committed state of the database, whoever wrote it and whatever was killed.
struct Rule {
  const char* broken;           // what it means where the query finds something
  const char* query;            // a row an offence, one column: the name or id of what offends
  const char* table = nullptr;  // that it is about, where databases of earlier builds have none
};
const std::vector<Rule>& Rules();

// What is wrong with the file, a line each, the first hundred; empty: nothing. Reads one snapshot; a
// coordinator may write meanwhile. NotFound or InvalidArgument where it is no results database.
StatusOr<std::vector<std::string>> CheckIntegrity(const std::string& path);  // SQLite's own check
StatusOr<std::vector<std::string>> CheckDatabase(const std::string& path);   // that, references, the rules
// The artifacts of the database at `path`, whose files lie below `folder`: each there, and of its size. A
// coordinator may replace and remove them meanwhile.
StatusOr<std::vector<std::string>> CheckArtifacts(const std::string& path, const std::string& folder);

}  // namespace lorikeet::report
