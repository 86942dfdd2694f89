// The sentence under the table: does the cheap method match full fine-tuning? Internal to sweeps/report.
#pragma once

#include <string>

#include "sweeps/report/report.h"

namespace lorikeet::report {

// The row of `arm` with the highest validation ROUGE-1, the first of equals; the baseline itself is no
// candidate. Null where no row has a result. Rows are chosen on validation, so that the test split decides
// nothing.
const Row* BestOnValidation(const Table& table, const std::string& arm);

// One sentence from the table's rows, careful about what is not known yet. `compared`: whether the
// differences have been tested statistically.
std::string Answer(const Table& table, bool compared);

}  // namespace lorikeet::report
