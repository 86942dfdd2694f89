// Numbers and names as text, for the formats that people read. Internal to sweeps/report.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "sweeps/report/report.h"

namespace lorikeet::report {

inline constexpr const char* kAbsent = "–";  // no value, or none yet

// A decimal with a sign, "+0.42", "−3.10" (U+2212), "0.00".
std::string Signed(double value, int digits);
inline std::string Signed(double value) { return Signed(value, 2); }
// "40.67 ± 0.21"; "40.67" without a deviation.
std::string MeanSdText(const MeanSd& value, int digits = 2);
// "ROUGE-1" of rouge1; "ROUGE-Lsum". Other metrics have their names.
std::string MetricLabel(const std::string& metric);
// "[−0.20, 1.04]".
std::string IntervalText(double low, double high, int digits);
// "[−0.20, 1.04]"; needs both ends.
std::string IntervalText(const Comparison& comparison);
// "0.012", "< 0.001".
std::string PText(double value);
// "1.2 MB", of bytes.
std::string Bytes(std::int64_t value);
// A share from 0 to 1 in percent, two digits that count: "100 %", "0.6 %", "0.0061 %".
std::string Percent(double share);
// "4.2 s", "42 s", "3 min 05 s", "2 h 10 min".
std::string Duration(double seconds);
// "1,234,567".
std::string Grouped(std::int64_t value);
// "3" where all seeds are in; else "2/3", "2/3, 1 diverged", "0/3, 1 running".
std::string SeedsText(const Row& row);

// Columns a terminal needs for UTF-8 `text`: none for combining marks, two for wide East Asian characters.
std::size_t DisplayWidth(const std::string& text);
// Without control characters, which could drive a terminal.
std::string Printable(const std::string& text);

}  // namespace lorikeet::report
