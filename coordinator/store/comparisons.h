// Reads what comparisons are made from, and those that have been made. Throws SQLite::Exception.
#pragma once

#include "coordinator/store/connection.h"
#include "coordinator/store/store.h"

namespace lorikeet::store {

StatusOr<std::vector<core::ScoredTrial>> LoadScores(Connection& connection, std::int64_t configuration_id);
StatusOr<std::vector<core::Comparison>> LoadComparisons(Connection& connection, const std::string& sweep_id);
// The configurations that have any.
std::vector<std::int64_t> LoadCompared(Connection& connection);

}  // namespace lorikeet::store
