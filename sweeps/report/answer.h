// The sentence under the table: does the cheap method match full fine-tuning? Internal to sweeps/report.
#pragma once

#include <string>

#include "sweeps/report/report.h"

namespace lorikeet::report {

// One sentence from the table's rows and their verdicts, careful about what is not known yet.
std::string Answer(const Table& table);

}  // namespace lorikeet::report
