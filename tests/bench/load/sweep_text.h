// Sweep files of a wished size.
#pragma once

#include <cstdint>
#include <string>

namespace lorikeet::load {

// A valid sweep file that makes exactly `trials` trials: at most `most_seeds` seeds (the largest number that
// divides `trials`), the arm full as baseline, and lora with as many learning rates as that takes. Its files
// need not exist: the coordinator does not look for them.
std::string SweepText(const std::string& name, std::int64_t trials, std::int64_t most_seeds);

}  // namespace lorikeet::load
