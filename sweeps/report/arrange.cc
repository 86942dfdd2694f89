#include "sweeps/report/arrange.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "common/nearest.h"
#include "sweeps/report/format.h"

namespace lorikeet::report {
namespace {

std::vector<std::string> MetricsOf(const Table& table) {
  std::vector<std::string> metrics = {"rouge1", "rouge2", "rougeL", "rougeLsum"};
  metrics.insert(metrics.end(), table.more_metrics.begin(), table.more_metrics.end());
  return metrics;
}

struct SortKey {
  const char* name;
  bool most_first;  // which end is the better one
  std::function<std::optional<double>(const Row&)> value;
};

template <typename T>
std::function<std::optional<double>(const Row&)> Of(std::optional<T> Row::*member) {
  return [member](const Row& row) -> std::optional<double> {
    if (!(row.*member)) return std::nullopt;
    return static_cast<double>(*(row.*member));
  };
}
std::function<std::optional<double>(const Row&)> Of(MeanSd Row::*member) {
  return [member](const Row& row) { return (row.*member).mean; };
}

const std::vector<SortKey>& Keys() {
  static const std::vector<SortKey> keys = {
      {"rouge1", true, Of(&Row::rouge1)},
      {"rouge2", true, Of(&Row::rouge2)},
      {"rougeL", true, Of(&Row::rougeL)},
      {"rougeLsum", true, Of(&Row::rougeLsum)},
      {"difference", true, [](const Row& row) { return row.comparison.difference; }},
      {"p", false, [](const Row& row) { return row.comparison.p_corrected; }},
      {"validation", true, Of(&Row::validation_primary)},
      {"trainable_parameters", false, Of(&Row::trainable_parameters)},
      {"adapter_bytes", false, Of(&Row::adapter_bytes)},
      {"train_seconds", false, Of(&Row::train_seconds)},
      {"tokens_per_second", true, Of(&Row::tokens_per_second)},
      {"device_hours", false, Of(&Row::device_hours)},
      {"peak_memory_bytes", false, Of(&Row::peak_memory_bytes)},
      {"latency_p50_seconds", false, Of(&Row::latency_p50_seconds)},
      {"latency_p95_seconds", false, Of(&Row::latency_p95_seconds)},
      {"generated_tokens_per_second", true, Of(&Row::generated_tokens_per_second)},
  };
  return keys;
}

StatusOr<SortKey> KeyOf(const std::string& name, const Table& table) {
  const auto key =
      std::find_if(Keys().begin(), Keys().end(), [&](const SortKey& k) { return k.name == name; });
  if (key != Keys().end()) return *key;
  const std::vector<std::string>& others = table.more_metrics;
  if (std::find(others.begin(), others.end(), name) != others.end()) {
    return SortKey{name.c_str(), true, [name](const Row& row) { return ScoreOf(row, name).mean; }};
  }
  std::vector<std::string> known = SortKeys();
  known.insert(known.end(), others.begin(), others.end());
  return InvalidArgument("sort '{}': one of {}{}", Printable(name), fmt::join(known, ", "),
                         DidYouMean(name, known));
}

Status SortBy(const std::string& name, Table& table) {
  ASSIGN_OR_RETURN(const SortKey key, KeyOf(name, table));
  std::stable_sort(table.rows.begin(), table.rows.end(), [&](const Row& a, const Row& b) {
    const std::optional<double> x = key.value(a), y = key.value(b);
    if (!x || !y) return x.has_value() && !y.has_value();
    return key.most_first ? *x > *y : *x < *y;
  });
  return absl::OkStatus();
}

}  // namespace

const std::vector<std::string>& SortKeys() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const SortKey& key : Keys()) all.emplace_back(key.name);
    return all;
  }();
  return names;
}

Status Arrange(const Arrangement& arrangement, Table& table) {
  const std::vector<std::string> metrics = MetricsOf(table);
  for (const std::string& metric : arrangement.metrics) {
    if (std::find(metrics.begin(), metrics.end(), metric) != metrics.end()) continue;
    return InvalidArgument("metric '{}': one of {}{}", Printable(metric), fmt::join(metrics, ", "),
                           DidYouMean(metric, metrics));
  }
  if (!arrangement.metrics.empty()) table.metrics = arrangement.metrics;
  if (!arrangement.rows.empty()) {
    const auto hidden = [&](const Row& row) {
      return !row.baseline && row.configuration.find(arrangement.rows) == std::string::npos;
    };
    std::erase_if(table.rows, hidden);
    if (std::all_of(table.rows.begin(), table.rows.end(), [](const Row& row) { return row.baseline; })) {
      return NotFound("no row of {} holds '{}' in its name", Printable(table.sweep),
                      Printable(arrangement.rows));
    }
  }
  return arrangement.sort.empty() ? absl::OkStatus() : SortBy(arrangement.sort, table);
}

}  // namespace lorikeet::report
