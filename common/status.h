// Errors across library boundaries: absl::Status with a message made for the person who reads it.
//
// Low layers return, they do not log; a library's exceptions are caught in the wrapper around that library.
// Messages say what is wrong, where, and what would be right, without a trailing full stop.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lorikeet {

using absl::Status;
using absl::StatusOr;

// Makes a status of `code` with a {fmt}-formatted message.
template <typename... Args>
Status MakeStatus(absl::StatusCode code, fmt::format_string<Args...> format, Args&&... args) {
  return Status(code, fmt::format(format, std::forward<Args>(args)...));
}

// Bad input of the caller's: usage, files, settings. Programs exit with 2.
template <typename... Args>
Status InvalidArgument(fmt::format_string<Args...> format, Args&&... args) {
  return MakeStatus(absl::StatusCode::kInvalidArgument, format, std::forward<Args>(args)...);
}
// The named thing does not exist.
template <typename... Args>
Status NotFound(fmt::format_string<Args...> format, Args&&... args) {
  return MakeStatus(absl::StatusCode::kNotFound, format, std::forward<Args>(args)...);
}
// Right request, wrong state: a finished sweep cannot be paused.
template <typename... Args>
Status FailedPrecondition(fmt::format_string<Args...> format, Args&&... args) {
  return MakeStatus(absl::StatusCode::kFailedPrecondition, format, std::forward<Args>(args)...);
}
// A stale lease: the token is not its trial's newest.
template <typename... Args>
Status Aborted(fmt::format_string<Args...> format, Args&&... args) {
  return MakeStatus(absl::StatusCode::kAborted, format, std::forward<Args>(args)...);
}
// Not now; trying again later may work (no connection, a full queue).
template <typename... Args>
Status Unavailable(fmt::format_string<Args...> format, Args&&... args) {
  return MakeStatus(absl::StatusCode::kUnavailable, format, std::forward<Args>(args)...);
}
// A fault of ours or of the machine's (I/O errors).
template <typename... Args>
Status Internal(fmt::format_string<Args...> format, Args&&... args) {
  return MakeStatus(absl::StatusCode::kInternal, format, std::forward<Args>(args)...);
}

// The message as a std::string (Debian's absl::string_view is not std::string_view).
inline std::string Message(const Status& status) {
  return std::string(status.message().data(), status.message().size());
}

// Puts `context` and ": " before the message; OK stays OK.
inline Status Annotate(const Status& status, const std::string& context) {
  if (status.ok()) return status;
  return Status(status.code(), context + ": " + Message(status));
}

}  // namespace lorikeet

#define LORIKEET_CONCAT_INNER(a, b) a##b
#define LORIKEET_CONCAT(a, b) LORIKEET_CONCAT_INNER(a, b)

// Leaves the function with the status of `expression` unless it is OK.
#define RETURN_IF_ERROR(expression)                             \
  do {                                                          \
    if (::absl::Status status_ = (expression); !status_.ok()) { \
      return status_;                                           \
    }                                                           \
  } while (false)

// ASSIGN_OR_RETURN(auto x, F()): x is F()'s value, or the function returns F()'s status.
#define ASSIGN_OR_RETURN(declaration, expression) \
  ASSIGN_OR_RETURN_INNER(LORIKEET_CONCAT(status_or_, __LINE__), declaration, expression)
#define ASSIGN_OR_RETURN_INNER(holder, declaration, expression) \
  auto holder = (expression);                                   \
  if (!holder.ok()) return std::move(holder).status();          \
  declaration = *std::move(holder)
