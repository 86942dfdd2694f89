// The formats, one function each. Internal to sweeps/report.
#pragma once

#include <string>

#include "sweeps/report/report.h"

namespace lorikeet::report {

std::string RenderText(const Table& table, bool colour);
std::string RenderMarkdown(const Table& table);
std::string RenderLatex(const Table& table);  // a tabular for booktabs
std::string RenderCsv(const Table& table);    // RFC 4180, numbers unrounded
std::string RenderJson(const Table& table);   // all of it

}  // namespace lorikeet::report
