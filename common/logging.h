// One log for a process: standard error, a line an occurrence; spdlog underneath.
//
//   text  2026-03-01T12:00:00.123Z warning its lease ran out trial=t-1 attempt=a-1
//   json  {"time":"2026-03-01T12:00:00.123Z","level":"warning","message":"its lease ran out","trial":"t-1",…}
//
// What a line is about stands in fields, not in the message alone: sweep, trial, attempt, worker, session.
// Only the programs' upper layers log; libraries return statuses.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/status.h"

namespace lorikeet {

// One without a value is left out.
struct LogField {
  std::string key, value;
};
using LogFields = std::vector<LogField>;

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Sets the process's log up once, in main. `level` is one of debug, info, warning, error; `format` text or
// json. Colours only in text, on a terminal and without NO_COLOR.
Status StartLogging(const std::string& level, const std::string& format = "text");

// Whether a line of that level is written at all. Thread-safe, as all below.
bool Logs(LogLevel level);
// Control characters in the message and the values are written as escapes: a line stays a line, whoever wrote
// what stands in it.
void Log(LogLevel level, const LogFields& fields, std::string_view message);

template <typename... Args>
void LogDebug(const LogFields& fields, fmt::format_string<Args...> format, Args&&... args) {
  if (Logs(LogLevel::kDebug)) Log(LogLevel::kDebug, fields, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void LogInfo(const LogFields& fields, fmt::format_string<Args...> format, Args&&... args) {
  if (Logs(LogLevel::kInfo)) Log(LogLevel::kInfo, fields, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void LogWarning(const LogFields& fields, fmt::format_string<Args...> format, Args&&... args) {
  if (Logs(LogLevel::kWarning))
    Log(LogLevel::kWarning, fields, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void LogError(const LogFields& fields, fmt::format_string<Args...> format, Args&&... args) {
  if (Logs(LogLevel::kError)) Log(LogLevel::kError, fields, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace lorikeet
