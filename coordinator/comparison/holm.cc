#include "coordinator/comparison/holm.h"

#include <algorithm>
#include <numeric>

namespace lorikeet::comparison {

std::vector<double> Holm(const std::vector<double>& p_values, std::int64_t family) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return p_values[a] < p_values[b]; });
  std::vector<double> corrected(p_values.size());
  auto left = static_cast<double>(std::max<std::int64_t>(family, static_cast<std::int64_t>(p_values.size())));
  double so_far = 0;
  for (const std::size_t i : order) {
    so_far = std::max(so_far, std::min(1.0, left * p_values[i]));
    corrected[i] = so_far;
    --left;
  }
  return corrected;
}

}  // namespace lorikeet::comparison
