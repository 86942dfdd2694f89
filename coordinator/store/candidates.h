// Reads what rows' settings are chosen from. Throws SQLite::Exception.
#pragma once

#include "coordinator/store/connection.h"
#include "coordinator/store/store.h"

namespace lorikeet::store {

StatusOr<std::vector<core::Candidate>> LoadCandidates(Connection& connection, std::int64_t row_id,
                                                      const std::string& metric);

}  // namespace lorikeet::store
