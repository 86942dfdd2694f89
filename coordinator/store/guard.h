// Turns what SQLite throws into a status: every function of the store's runs its SQL inside Guarded.
#pragma once

#include <exception>
#include <string>

#include "common/status.h"
#include "coordinator/store/connection.h"

namespace lorikeet::store {

inline const Status& StatusOf(const Status& status) { return status; }
template <typename T>
Status StatusOf(const StatusOr<T>& value) {
  return value.status();
}

// What `body` returns, or what it threw as a status; errors get `what` before them.
template <typename Body>
auto Guarded(const std::string& what, const Body& body) -> decltype(body()) {
  try {
    auto outcome = body();
    if (!outcome.ok()) return Annotate(StatusOf(outcome), what);
    return outcome;
  } catch (const SQLite::Exception& error) {
    return Annotate(ToStatus(error), what);
  } catch (const std::exception& error) {
    return Internal("{}: {}", what, error.what());
  }
}

// NotFound where an UPDATE met no row.
inline Status Changed(std::int64_t rows) {
  return rows > 0 ? absl::OkStatus() : NotFound("is not in the database");
}

}  // namespace lorikeet::store
