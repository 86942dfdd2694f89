// Learning rates over the steps, as transformers' get_{constant,linear,cosine}_schedule_with_warmup. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace lorikeet::trainer {

struct Schedule {
  std::string name = "linear";  // constant, linear or cosine
  std::int64_t warmup_steps = 0;
  std::int64_t total_steps = 1;
};

// What the learning rate is multiplied by at `step` (from 0): rises linearly from 0 during the warm-up, then
// stays, or falls to 0 at total_steps.
double LearningRateFactor(const Schedule& schedule, std::int64_t step);

}  // namespace lorikeet::trainer
