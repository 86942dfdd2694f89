// From arms to configurations: the grid, its names, what readers are told about each.
//
// Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sweeps/spec/arms.h"
#include "sweeps/spec/spec.h"

namespace lorikeet::spec {

// How many trials the arms make with so many seeds; references count once. Nothing where it overflows. Looks
// at the axes' lengths only.
std::optional<std::int64_t> CountTrials(const std::vector<Arm>& arms, std::int64_t seeds);

// Every point of the arms' grids in file order (an arm's last axis runs fastest), the arm named
// `baseline_arm` first, references last. `base` holds what all trials share. Marks no baseline.
std::vector<Configuration> ExpandArms(const std::vector<Arm>& arms, const Trial& base,
                                      const std::string& baseline_arm);

// One line a key of `train` that differs between training arms: "learning_rate: full 0.0001; lora 0.001".
std::vector<std::string> DescribeDifferences(const std::vector<Arm>& arms, const Trial& base);

}  // namespace lorikeet::spec
