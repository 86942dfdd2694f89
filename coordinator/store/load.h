// Reads plain values back from the database. Throws SQLite::Exception; a value that no Transaction wrote is
// Internal.
#pragma once

#include "coordinator/store/connection.h"
#include "coordinator/store/store.h"

namespace lorikeet::store {

StatusOr<Snapshot> LoadSnapshot(Connection& connection);
StatusOr<std::vector<Place>> LoadLastPlaces(Connection& connection, const std::string& sweep_id);
StatusOr<std::vector<core::Attempt>> LoadAttempts(Connection& connection, const std::string& trial_id);
StatusOr<std::vector<core::HistoryEvent>> LoadEvents(Connection& connection, const std::string& sweep_id,
                                                     const std::string& trial_id, std::int64_t after,
                                                     std::int64_t most);

StatusOr<std::optional<core::Artifact>> LoadArtifact(Connection& connection, const std::string& trial_id,
                                                     core::ArtifactKind kind);
StatusOr<std::vector<core::Artifact>> LoadArtifactsOf(Connection& connection, const std::string& sweep_id);
StatusOr<std::vector<std::string>> LoadArtifactPaths(Connection& connection);
StatusOr<LogSize> LoadLogSize(Connection& connection, const std::string& sweep_id);

}  // namespace lorikeet::store
