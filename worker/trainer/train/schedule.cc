#include "worker/trainer/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lorikeet::trainer {

double LearningRateFactor(const Schedule& schedule, std::int64_t step) {
  const auto at = static_cast<double>(step);
  const auto warmup = static_cast<double>(schedule.warmup_steps);
  const auto total = static_cast<double>(schedule.total_steps);
  if (step < schedule.warmup_steps) return at / std::max(1.0, warmup);
  if (schedule.name == "constant") return 1;
  const double span = std::max(1.0, total - warmup);
  if (schedule.name == "cosine") {
    return std::max(0.0, 0.5 * (1 + std::cos(std::numbers::pi * (at - warmup) / span)));
  }
  return std::max(0.0, (total - at) / span);
}

}  // namespace lorikeet::trainer
