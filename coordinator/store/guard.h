// Turns what SQLite throws into a status: every function of the store's runs its SQL inside Guarded.
#pragma once

#include <exception>
#include <string>
#include <type_traits>

#include "common/status.h"
#include "coordinator/store/connection.h"

namespace lorikeet::store {

inline const Status& StatusOf(const Status& status) { return status; }
template <typename T>
Status StatusOf(const StatusOr<T>& value) {
  return value.status();
}

// What `body` returns, or what it threw as a status; errors get `what` before them: a text, or what makes it,
// where it is made for every row and hardly ever read.
template <typename What, typename Body>
auto Guarded(const What& what, const Body& body) -> decltype(body()) {
  const auto say = [&what]() -> std::string {
    if constexpr (std::is_invocable_v<What>) {
      return what();
    } else {
      return what;
    }
  };
  try {
    auto outcome = body();
    if (!outcome.ok()) return Annotate(StatusOf(outcome), say());
    return outcome;
  } catch (const SQLite::Exception& error) {
    return Annotate(ToStatus(error), say());
  } catch (const std::exception& error) {
    return Internal("{}: {}", say(), error.what());
  }
}

// NotFound where an UPDATE met no row.
inline Status Changed(std::int64_t rows) {
  return rows > 0 ? absl::OkStatus() : NotFound("is not in the database");
}

}  // namespace lorikeet::store
