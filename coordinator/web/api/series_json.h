// What charts are drawn from, as JSON. Internal to coordinator/web/api.
#pragma once

#include "coordinator/web/api/json.h"
#include "sweeps/report/series.h"

namespace lorikeet::web {

Json ToJson(const report::Sensitivity& sensitivity);
Json ToJson(const report::Curves& curves);
Json ToJson(const report::Pareto& pareto);

}  // namespace lorikeet::web
