// Which rows speak for their arms. Internal to sweeps/report.
#pragma once

#include <set>
#include <string>

#include "sweeps/report/report.h"

namespace lorikeet::report {

// The row of `arm` with the highest primary metric on validation, the first of equals; the baseline itself is
// no candidate. Null where no row has a result. Rows are chosen on validation, so that the test split decides
// nothing.
const Row* BestOnValidation(const Table& table, const std::string& arm);

// That of every arm that is trained.
std::set<const Row*> ChosenRows(const Table& table);

}  // namespace lorikeet::report
