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

// The points of the arm's axes that are not tuned. Nothing where the arm has too many points to count.
std::optional<std::int64_t> CountRows(const Arm& arm);
// How many trials the arms make with so many seeds, and so many that settings are tried with; references
// count once. Nothing where it overflows. Looks at the axes' lengths only.
std::optional<std::int64_t> CountTrials(const std::vector<Arm>& arms, std::int64_t seeds,
                                        std::int64_t tuning_seeds);

// The rows: every point of the arms' axes that are not tuned, in file order (an arm's last axis runs
// fastest), the arm named `baseline_arm` first, references last. Then the rows' candidates, where there are
// several. `base` holds what all trials share. Marks no baseline.
std::vector<Configuration> ExpandArms(const std::vector<Arm>& arms, const Trial& base,
                                      const std::string& baseline_arm);

// One line a key of `train` that differs between training arms: "learning_rate: full 0.0001; lora 0.001".
std::vector<std::string> DescribeDifferences(const std::vector<Arm>& arms, const Trial& base);

}  // namespace lorikeet::spec
