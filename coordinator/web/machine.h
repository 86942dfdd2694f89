// What the machine says of the coordinator's process and its files, as metrics: read when somebody asks.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

namespace lorikeet::web {

// The process_* metrics that every Prometheus client has, from /proc/self; those that cannot be read are left
// out.
std::vector<prometheus::MetricFamily> ProcessFamilies();
// The sizes of the database and its WAL, and what its filesystem has left; a file that is not there has 0
// bytes.
std::vector<prometheus::MetricFamily> DiskFamilies(const std::string& database_path);

}  // namespace lorikeet::web
