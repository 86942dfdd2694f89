#include "coordinator/service/history_log.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "common/logging.h"

namespace lorikeet::service {
namespace {

LogLevel LevelOf(const std::string& kind) {
  static constexpr std::array<std::string_view, 3> kWrong = {"failed", "lost", "quarantined"};
  // Several for each trial: at thousands of trials a second they would be most of what the coordinator does.
  static constexpr std::array<std::string_view, 7> kUsual = {
      "granted", "started", "checkpoint", "succeeded", "cancelled", "log", "retried"};
  const auto is = [&](std::string_view name) { return name == kind; };
  if (std::any_of(kWrong.begin(), kWrong.end(), is)) return LogLevel::kWarning;
  return std::any_of(kUsual.begin(), kUsual.end(), is) ? LogLevel::kDebug : LogLevel::kInfo;
}

}  // namespace

void LogHistory(const core::HistoryEvent& event) {
  // What concerns a whole sweep or a worker happens seldom.
  const LogLevel level = event.trial_id.empty() && LevelOf(event.kind) == LogLevel::kDebug
                             ? LogLevel::kInfo
                             : LevelOf(event.kind);
  if (!Logs(level)) return;
  const std::string message = event.message.empty() ? event.kind : event.kind + ": " + event.message;
  lorikeet::Log(level,
                {{"event", event.kind},
                 {"sweep", event.sweep_id},
                 {"trial", event.trial_id},
                 {"attempt", event.attempt_id},
                 {"worker", event.worker_id}},
                message);
}

}  // namespace lorikeet::service
