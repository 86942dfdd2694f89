// The table's cells as text, shared by the formats that people read. Internal to sweeps/report.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sweeps/report/report.h"

namespace lorikeet::report {

inline constexpr const char* kAbsent = "–";  // no value, or none yet

// A decimal with a sign, "+0.42", "−3.10" (U+2212), "0.00".
std::string Signed(double value);
// "40.67 ± 0.21"; "40.67" without a deviation.
std::string MeanSdText(const MeanSd& value);
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

struct Cells {
  std::vector<std::string> heading;
  std::vector<std::vector<std::string>> rows;  // in the table's order
};
// The first column is a name, the second the seeds; all others are numbers with their units.
Cells MakeCells(const Table& table);
// What stands under the table before its notes: what the numbers are, on what the costs were measured.
std::vector<std::string> Legend(const Table& table);
// "demo: running, 5 of 18 trials succeeded, 1 failed".
std::string Title(const Table& table);

}  // namespace lorikeet::report
