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
  std::vector<std::vector<std::string>> rows;
  std::vector<const Row*> of;                  // the table's row that each is about; null: none
  std::size_t texts = 1;                       // columns from the left that are no numbers
  std::optional<std::size_t> difference = {};  // the column that may be significant
};
// One block under the other: scores, differences and verdicts; what training and inference cost; what a
// summary costs by itself, where that was measured. They point into the table.
std::vector<Cells> Blocks(const Table& table);
// What stands under the table before its notes: what the numbers are, on what the costs were measured.
std::vector<std::string> Legend(const Table& table);
// "demo: running, 5 of 18 trials succeeded, 1 failed".
std::string Title(const Table& table);

}  // namespace lorikeet::report
