#include "tests/bench/load/table.h"

#include <algorithm>

#include "common/files.h"

namespace lorikeet::load {
namespace {

std::size_t Width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string Padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, Width(text)), ' ');
}

}  // namespace

void Table::Add(const std::string& what, const std::string& asked, const std::string& measured,
                const std::string& key, const nlohmann::json& value) {
  lines_.push_back({what, asked, measured, key, value});
}

std::string Table::Text() const {
  std::vector<Line> lines = lines_;
  lines.insert(lines.begin(), {"what", "asked", "measured", "", nullptr});
  std::size_t what = 0, asked = 0;
  for (const Line& line : lines) {
    what = std::max(what, Width(line.what));
    asked = std::max(asked, Width(line.asked));
  }
  std::string text;
  for (const Line& line : lines) {
    text += fmt::format("{} | {} | {}\n", Padded(line.what, what), Padded(line.asked, asked), line.measured);
  }
  return text;
}

Status Table::WriteJson(const std::string& file) const {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const Line& line : lines_) {
    rows.push_back({{"what", line.what},
                    {"asked", line.asked},
                    {"measured", line.measured},
                    {"key", line.key},
                    {"value", line.value}});
  }
  return WriteFileAtomically(file, nlohmann::ordered_json{{"rows", rows}}.dump(2) + "\n");
}

}  // namespace lorikeet::load
