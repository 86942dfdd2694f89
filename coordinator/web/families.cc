#include "coordinator/web/families.h"

namespace lorikeet::web {

prometheus::MetricFamily Gauges(const std::string& name, const std::string& help,
                                const std::vector<Sample>& samples) {
  prometheus::MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = prometheus::MetricType::Gauge;
  for (const Sample& sample : samples) {
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    metric.label = sample.labels;
    metric.gauge.value = sample.value;
  }
  return family;
}

prometheus::MetricFamily Counter(const std::string& name, const std::string& help, double value) {
  prometheus::MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = prometheus::MetricType::Counter;
  family.metric.emplace_back().counter.value = value;
  return family;
}

}  // namespace lorikeet::web
