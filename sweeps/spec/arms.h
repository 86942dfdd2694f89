// The arms of a sweep file: each a method with what is fixed in it and the axes of its grid.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sweeps/spec/reader.h"
#include "sweeps/spec/sections.h"
#include "sweeps/spec/settings.h"
#include "sweeps/trial/trial.h"

namespace lorikeet::spec {

// A key with a list: one dimension of the arm's grid.
struct Axis {
  std::string name;
  std::vector<Setting> values;  // in file order, no two the same
  bool tuned = false;           // makes no rows: one value is chosen for each
};

struct Arm {
  Method method = Method::kFull;
  Position at;             // of its name
  std::vector<Axis> axes;  // in file order
  // What is not varied, with the key's name, in file order.
  std::vector<std::pair<std::string, Setting>> fixed;
  // The product of the axes' lengths as the file has them, right or wrong; nothing where it overflows.
  std::optional<std::int64_t> configurations = 1;
};

// The file's `train`.
struct TrainSection {
  std::vector<Setting> settings;
  // Whether it says how long to train, and at what rate, be it wrongly: what is reported there is not missed
  // in the arms.
  bool length = false, learning_rate = false;
};
TrainSection ReadTrain(const Value& train);

// Reads `arms`. `base` is a trial with the settings of `train`: what an arm overrides. `rules` are for the
// adapters that arms start from.
std::vector<Arm> ReadArms(const Value& arms, const Trial& base, const TrainSection& train,
                          const PathRules& rules);

// Applies settings by stage.
void Apply(const std::vector<Setting>& settings, Trial& trial);

}  // namespace lorikeet::spec
