// `sweepctl table`: from a coordinator, or from a database file with no coordinator.
#pragma once

#include <string>

#include "common/status.h"
#include "sweeps/report/arrange.h"
#include "sweeps/sweepctl/client.h"

namespace lorikeet::sweepctl {

struct TableOptions {
  std::string sweep;
  std::string format = "text";
  bool colour = false;
  report::Arrangement arrangement;
};

// `database` is a results.db, or a data folder that holds one.
StatusOr<std::string> TableFromDatabase(const std::string& database, const TableOptions& options);
StatusOr<std::string> TableFromCoordinator(Client& client, const TableOptions& options);

}  // namespace lorikeet::sweepctl
