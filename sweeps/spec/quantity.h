// Numbers, durations and sizes as a sweep file writes them, and as names and tables print them.
//
// Pure functions; thread-safe. Nothing is returned for a text that is not wholly what is asked for.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lorikeet::spec {

enum class NumberError { kNotANumber, kTooLarge, kNotFinite };

// A decimal number, or what kept it from being read.
template <typename T>
struct Number {
  std::optional<T> value;
  NumberError error = NumberError::kNotANumber;
};

// "8", "-3", "+8". Not "8.0", "1e3", "0x8", "1_000", "010" stays 10.
Number<std::int64_t> ParseInteger(std::string_view text);
// "0.001", "1e-3", "1.0e-3", ".5", "3". ".inf", ".nan" are not finite; what a double cannot hold is too
// large.
Number<double> ParseDecimal(std::string_view text);

// "30s", "5m", "6h", "2d", "250ms", "1h30m"; units in falling order. A number without a unit is not a
// duration.
std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text);
// "10GiB", "500MB", "1.5 GiB", "4096B"; units B, kB or KB, MB, GB, TB, KiB, MiB, GiB, TiB. Not without a
// unit.
std::optional<std::int64_t> ParseBytes(std::string_view text);

// The shortest text that reads back as the same number: "0.001", "8", "1e-5".
std::string FormatDecimal(double value);

}  // namespace lorikeet::spec
