// Which of a table's rows and columns are shown, and in which order.
#pragma once

#include <string>
#include <vector>

#include "common/status.h"
#include "sweeps/report/report.h"

namespace lorikeet::report {

struct Arrangement {
  std::vector<std::string> metrics = {};  // of the score columns, in this order; empty: all four
  std::string sort = {};                  // SortKeys() or one of more_metrics; empty: the sweep file's order
  std::string rows = {};  // only rows whose name holds this text, and the baseline; empty: all
};

// What rows may be sorted by.
const std::vector<std::string>& SortKeys();

// The best first; rows without a value last. InvalidArgument names what is unknown, and the nearest; NotFound
// where no row but the baseline is left. The sentence under the table stays: it is about the whole sweep.
Status Arrange(const Arrangement& arrangement, Table& table);

}  // namespace lorikeet::report
