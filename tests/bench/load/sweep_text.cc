#include "tests/bench/load/sweep_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace lorikeet::load {

std::string SweepText(const std::string& name, std::int64_t trials, std::int64_t most_seeds) {
  std::int64_t seeds = std::min(most_seeds, trials);
  while (trials % seeds != 0) --seeds;
  std::string text = fmt::format(
      "sweep: {}\nmodel: /models/t5\n"
      "data: {{train: /data/train.jsonl, validation: /data/validation.jsonl, test: /data/test.jsonl}}\n"
      "train: {{epochs: 1}}\narms:\n  full: {{learning_rate: 1.0e-4}}\n",
      name);
  if (const std::int64_t rates = trials / seeds - 1; rates > 0) {
    text += "  lora: {rank: 8, learning_rate: [";
    for (std::int64_t i = 1; i <= rates; ++i) text += fmt::format("{}{}e-6", i == 1 ? "" : ", ", i);
    text += "]}\n";
  }
  text += "seeds: [";
  for (std::int64_t i = 1; i <= seeds; ++i) text += fmt::format("{}{}", i == 1 ? "" : ", ", i);
  return text + "]\n";
}

}  // namespace lorikeet::load
