// Families of gauges and counters that are read at the moment of a scrape.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

namespace lorikeet::web {

struct Sample {
  std::vector<prometheus::ClientMetric::Label> labels;
  double value = 0;
};

prometheus::MetricFamily Gauges(const std::string& name, const std::string& help,
                                const std::vector<Sample>& samples);
inline prometheus::MetricFamily Gauge(const std::string& name, const std::string& help, double value) {
  return Gauges(name, help, {{{}, value}});
}
// What only grows, counted elsewhere.
prometheus::MetricFamily Counter(const std::string& name, const std::string& help, double value);

}  // namespace lorikeet::web
