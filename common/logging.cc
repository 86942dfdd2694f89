#include "common/logging.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <memory>

#include "common/log_format.h"

namespace lorikeet {
namespace {

// Of the line that this thread is writing: spdlog carries texts alone, and calls its formatter on the writing
// thread.
thread_local const LogFields* current_fields = nullptr;

const LogFields& CurrentFields() {
  static const LogFields kNone;
  return current_fields == nullptr ? kNone : *current_fields;
}

std::string_view View(spdlog::string_view_t text) { return {text.data(), text.size()}; }

// The message with its fields, in spdlog's pattern (%*).
class MessageWithFields : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& line, const std::tm&, spdlog::memory_buf_t& out) override {
    const std::string text = TextLine(View(line.payload), CurrentFields());
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<MessageWithFields>();
  }
};

class JsonFormatter : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& out) override {
    const auto level = spdlog::level::to_string_view(line.level);
    const std::string text = JsonLine(std::chrono::time_point_cast<std::chrono::microseconds>(line.time),
                                      View(level), View(line.payload), CurrentFields()) +
                             "\n";
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<formatter> clone() const override { return std::make_unique<JsonFormatter>(); }
};

std::unique_ptr<spdlog::formatter> TextFormatter() {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<MessageWithFields>('*').set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %*");
  return formatter;
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

Status StartLogging(const std::string& level, const std::string& format) {
  const auto parsed = spdlog::level::from_str(level);
  if (parsed == spdlog::level::off && level != "off") {
    return InvalidArgument("--log-level {}: one of debug, info, warning, error", level);
  }
  if (format != "text" && format != "json") return InvalidArgument("--log-format {}: text or json", format);
  const bool json = format == "json";
  const char* no_color = std::getenv("NO_COLOR");
  const bool plain = json || (no_color != nullptr && *no_color != '\0') || isatty(STDERR_FILENO) == 0;
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(plain ? spdlog::color_mode::never
                                                                          : spdlog::color_mode::always);
  auto logger = std::make_shared<spdlog::logger>("lorikeet", std::move(sink));
  if (json) {
    logger->set_formatter(std::make_unique<JsonFormatter>());
  } else {
    logger->set_formatter(TextFormatter());
  }
  logger->set_level(parsed);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  return absl::OkStatus();
}

bool Logs(LogLevel level) { return spdlog::should_log(ToSpdlog(level)); }

void Log(LogLevel level, const LogFields& fields, std::string_view message) {
  const LogFields* const outer = std::exchange(current_fields, &fields);
  spdlog::log(ToSpdlog(level), "{}", message);
  current_fields = outer;
}

}  // namespace lorikeet
