// What metrics beside the trainer's ROUGE may be called: in the database, in a table's heading, after
// --metrics.
#pragma once

#include <string>
#include <string_view>

#include "common/status.h"

namespace lorikeet {

inline constexpr std::size_t kMostMetricNameBytes = 64;

// InvalidArgument unless it is a letter followed by letters, digits, `.`, `_`, `-`, `+` and `@`, of at most
// so many bytes, and none of the sweep's own: rouge1, rouge2, rougeL, rougeLsum, and what begins with
// validation, in any case: tables have columns of these names.
Status CheckMetricName(const std::string& name);

}  // namespace lorikeet
