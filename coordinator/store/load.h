// Reads plain values back from the database. Throws SQLite::Exception; a value that no Transaction wrote is
// Internal.
#pragma once

#include "coordinator/store/connection.h"
#include "coordinator/store/store.h"

namespace lorikeet::store {

StatusOr<Snapshot> LoadSnapshot(Connection& connection);
StatusOr<std::vector<core::Attempt>> LoadAttempts(Connection& connection, const std::string& trial_id);
StatusOr<std::vector<core::HistoryEvent>> LoadEvents(Connection& connection, const std::string& sweep_id,
                                                     const std::string& trial_id, std::int64_t after,
                                                     std::int64_t most);

}  // namespace lorikeet::store
