// The interval of a mean over seeds. Internal to sweeps/report.
#pragma once

#include <cstdint>
#include <optional>

namespace lorikeet::report {

// Half of the width of the 95 % interval of the mean of `count` values with the sample standard deviation
// `sd`, by Student's t with count - 1 degrees of freedom. None below two values.
std::optional<double> HalfWidth95(std::int64_t count, double sd);

}  // namespace lorikeet::report
