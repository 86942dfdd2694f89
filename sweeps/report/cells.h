// The table's cells as text, shared by the formats that people read. Internal to sweeps/report.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sweeps/report/format.h"
#include "sweeps/report/report.h"

namespace lorikeet::report {

struct Cells {
  std::vector<std::string> heading;
  std::vector<std::vector<std::string>> rows;  // in the table's order
  std::size_t texts = 1;                       // columns from the left that are no numbers
  std::optional<std::size_t> difference = {};  // the column that may be significant
};
// Scores, differences and verdicts.
Cells QualityCells(const Table& table);
// What training and inference cost.
Cells CostCells(const Table& table);
// What stands under the table before its notes: what the numbers are, on what the costs were measured.
std::vector<std::string> Legend(const Table& table);
// "demo: running, 5 of 18 trials succeeded, 1 failed".
std::string Title(const Table& table);

}  // namespace lorikeet::report
