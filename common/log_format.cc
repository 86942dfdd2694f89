#include "common/log_format.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace lorikeet {
namespace {

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// With control characters as escapes, so that nobody's text begins a line of its own or moves the cursor.
std::string OneLine(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (const char c : text) {
    if (c == '\n') {
      line += "\\n";
    } else if (c == '\t') {
      line += "\\t";
    } else if (IsControl(c)) {
      line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      line += c;
    }
  }
  return line;
}

std::string Quoted(const std::string& value) {
  const bool plain = std::none_of(value.begin(), value.end(),
                                  [](char c) { return IsControl(c) || c == ' ' || c == '"' || c == '='; });
  if (plain) return value;
  std::string quoted = "\"";
  for (const char c : OneLine(value)) {
    if (c == '"') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

std::string TextLine(std::string_view message, const LogFields& fields) {
  std::string line = OneLine(message);
  for (const LogField& field : fields) {
    if (!field.value.empty()) line += fmt::format(" {}={}", field.key, Quoted(field.value));
  }
  return line;
}

std::string JsonLine(WallTime time, std::string_view level, std::string_view message,
                     const LogFields& fields) {
  nlohmann::ordered_json line;
  line["time"] = FormatTime(time);
  line["level"] = std::string(level);
  line["message"] = std::string(message);
  for (const LogField& field : fields) {
    if (!field.value.empty()) line[field.key] = field.value;
  }
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace lorikeet
