#include "sweeps/plot/text.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>

#include "common/json.h"

namespace lorikeet::plot {
namespace {

// Bytes of the character that begins with this one; 1 for what begins none.
std::size_t LengthOf(unsigned char first) {
  if (first >= 0xF0) return 4;
  if (first >= 0xE0) return 3;
  return first >= 0xC0 ? 2 : 1;
}

std::uint32_t CodeOf(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first;
  std::uint32_t code = first & (0xFFU >> (character.size() + 1));
  for (std::size_t i = 1; i < character.size(); ++i)
    code = code << 6 | (static_cast<unsigned char>(character[i]) & 0x3FU);
  return code;
}

// Controls, separators of lines, and marks that have a terminal or a layout read text in another order.
bool Harmful(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0xAD || code == 0x61C || code == 0xFEFF ||
         (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2060 && code <= 0x206F) || (code >= 0xFFF0 && code < 0xFFFD) || code == 0xFFFE ||
         code == 0xFFFF || code >= 0xE0000;
}

std::string Shortest(double value, int digits) { return fmt::format("{:.{}g}", value, digits); }

}  // namespace

std::string Clean(std::string_view text, std::size_t most) {
  std::string clean;
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (characters == most) {
      // The last one makes room.
      do clean.pop_back();
      while (!clean.empty() && !IsUtf8(clean));
      return clean + "…";
    }
    const std::string_view character = text.substr(i, LengthOf(static_cast<unsigned char>(text[i])));
    if (!IsUtf8(character)) {
      clean += "\uFFFD";
      ++i;
    } else {
      clean += Harmful(CodeOf(character)) ? std::string_view(" ") : character;
      i += character.size();
    }
    ++characters;
  }
  return clean;
}

std::vector<std::string> Characters(const std::string& text) {
  std::vector<std::string> characters;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = LengthOf(static_cast<unsigned char>(text[i]));
    characters.push_back(text.substr(i, length));
    i += length;
  }
  return characters;
}

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&apos;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string MetricLabel(const std::string& metric) {
  std::string label;
  for (const char c : Clean(metric, 60)) label += c == '_' ? ' ' : c;
  const std::size_t rouge = label.find("rouge");
  if (rouge == std::string::npos) return label;
  const std::string kind = label.substr(rouge + 5);
  if (kind != "1" && kind != "2" && kind != "L" && kind != "Lsum") return label;
  return label.substr(0, rouge) + "ROUGE-" + kind;
}

std::string NumberText(double value, int digits) {
  const double size = std::abs(value);
  if (size >= 1e15 || (size < 1e-4 && size > 0)) return Shortest(value, digits);
  static constexpr std::array<std::pair<double, const char*>, 4> kSteps = {
      {{1e12, "T"}, {1e9, "B"}, {1e6, "M"}, {1e4, "k"}}};
  for (const auto& [from, letter] : kSteps) {
    const double by = *letter == 'k' ? 1e3 : from;
    if (size >= from) return Shortest(value / by, digits) + letter;
  }
  return size >= 1000 ? fmt::format("{:.0f}", value) : Shortest(value, digits);
}

std::string QuantityText(double value, const std::string& unit) {
  if (unit == "B") {
    static constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t step = 0;
    for (; value >= 1024 && step + 1 < kUnits.size(); ++step) value /= 1024;
    return Shortest(value, 3) + " " + kUnits[step];
  }
  if (unit == "s") {
    if (value >= 3600) return Shortest(value / 3600, 3) + " h";
    if (value >= 60) return Shortest(value / 60, 3) + " min";
    if (value < 1 && value > 0) return Shortest(value * 1000, 3) + " ms";
    return Shortest(value, 3) + " s";
  }
  return NumberText(value, 3);
}

}  // namespace lorikeet::plot
