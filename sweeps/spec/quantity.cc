#include "sweeps/spec/quantity.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace lorikeet::spec {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes the digits at the front of `text`.
std::string_view TakeDigits(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && IsDigit(text[length])) ++length;
  const std::string_view digits = text.substr(0, length);
  text.remove_prefix(length);
  return digits;
}

// YAML's core schema: [-+]? ( digits [. digits?] | . digits ) ( [eE] [-+]? digits )?
bool LooksDecimal(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  bool digits = !TakeDigits(text).empty();
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    digits = !TakeDigits(text).empty() || digits;
  }
  if (!digits) return false;
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return !TakeDigits(text).empty() && text.empty();
}

bool LooksNotFinite(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (!text.empty() && text[0] == '.') text.remove_prefix(1);
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return lower == "inf" || lower == "infinity" || lower == "nan";
}

struct Unit {
  std::string_view name;
  double factor;
};

}  // namespace

Number<std::int64_t> ParseInteger(std::string_view text) {
  std::string_view digits = text;
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) digits.remove_prefix(1);
  std::string_view rest = digits;
  if (TakeDigits(rest).empty() || !rest.empty()) {
    return {{}, LooksNotFinite(text) ? NumberError::kNotFinite : NumberError::kNotANumber};
  }
  if (text[0] == '+') text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) return {{}, NumberError::kTooLarge};
  return {value, {}};
}

Number<double> ParseDecimal(std::string_view text) {
  if (!LooksDecimal(text)) {
    return {{}, LooksNotFinite(text) ? NumberError::kNotFinite : NumberError::kNotANumber};
  }
  if (text[0] == '+') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range || !std::isfinite(value)) return {{}, NumberError::kTooLarge};
  return {value == 0 ? 0.0 : value, {}};  // no negative zero
}

std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  static constexpr std::array<Unit, 5> kUnits = {
      {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
  constexpr double kLongest = 1000.0 * 86'400'000 * 366;  // a thousand years, in milliseconds
  double total = 0;
  std::size_t next_unit = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const std::string_view digits = TakeDigits(text);
    if (digits.empty() || digits.size() > 15) return std::nullopt;
    std::size_t length = 0;
    while (length < text.size() && !IsDigit(text[length])) ++length;
    const std::string_view name = text.substr(0, length);
    text.remove_prefix(length);
    while (next_unit < kUnits.size() && kUnits[next_unit].name != name) ++next_unit;
    if (next_unit == kUnits.size()) return std::nullopt;
    std::int64_t count = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), count);
    total += static_cast<double>(count) * kUnits[next_unit++].factor;
    if (total > kLongest) return std::nullopt;
  }
  return std::chrono::milliseconds(static_cast<std::int64_t>(total));
}

std::optional<std::int64_t> ParseBytes(std::string_view text) {
  static constexpr std::array<Unit, 10> kUnits = {{{"B", 1},
                                                   {"kB", 1e3},
                                                   {"KB", 1e3},
                                                   {"MB", 1e6},
                                                   {"GB", 1e9},
                                                   {"TB", 1e12},
                                                   {"KiB", 1024.0},
                                                   {"MiB", 1024.0 * 1024},
                                                   {"GiB", 1024.0 * 1024 * 1024},
                                                   {"TiB", 1024.0 * 1024 * 1024 * 1024}}};
  std::size_t length = 0;
  while (length < text.size() && (IsDigit(text[length]) || text[length] == '.')) ++length;
  const Number<double> number = ParseDecimal(text.substr(0, length));
  text.remove_prefix(length);
  while (!text.empty() && text[0] == ' ') text.remove_prefix(1);
  if (!number.value) return std::nullopt;
  for (const Unit& unit : kUnits) {
    if (unit.name != text) continue;
    const double bytes = *number.value * unit.factor;
    if (bytes > 9e15) return std::nullopt;  // past it a double skips whole bytes
    return static_cast<std::int64_t>(std::llround(bytes));
  }
  return std::nullopt;
}

std::string FormatDecimal(double value) {
  std::array<char, 64> shortest{}, fixed{};
  const auto short_end = std::to_chars(shortest.data(), shortest.data() + shortest.size(), value);
  std::string text(shortest.data(), short_end.ptr);
  // "1e-04" reads worse than 0.0001; "1e-05" is better off as 1e-5 than as a row of zeros.
  const double size = std::fabs(value);
  if (text.find('e') != std::string::npos && size >= 1e-4 && size < 1e7) {
    const auto end =
        std::to_chars(fixed.data(), fixed.data() + fixed.size(), value, std::chars_format::fixed);
    return std::string(fixed.data(), end.ptr);
  }
  const std::size_t exponent = text.find('e');
  if (exponent != std::string::npos && exponent + 3 < text.size() && text[exponent + 2] == '0') {
    text.erase(exponent + 2, 1);
  }
  return text;
}

}  // namespace lorikeet::spec
