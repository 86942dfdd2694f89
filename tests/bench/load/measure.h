// Clocks and gauges of this process and of another one.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "common/status.h"

namespace lorikeet::load {

// Seconds on a clock that only goes forward.
double Now();
// CPU seconds, user and system, of all threads so far; 0 where the process is gone.
double CpuSeconds(pid_t pid);
double OwnCpuSeconds();
// Resident memory; NotFound where the process is gone.
StatusOr<std::int64_t> ResidentBytes(pid_t pid);
// The value that `share` (0 to 1) of the values do not exceed; 0 of nothing.
double Percentile(std::vector<double> values, double share);
// Whether the folder lies in memory, where fsync costs nothing and no figure would mean anything.
StatusOr<bool> IsInMemory(const std::string& folder);

}  // namespace lorikeet::load
