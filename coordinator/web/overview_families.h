// How things stand, as gauges.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "coordinator/service/observer.h"

namespace lorikeet::web {

std::vector<prometheus::MetricFamily> OverviewFamilies(const service::Overview& overview);

}  // namespace lorikeet::web
