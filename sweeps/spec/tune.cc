#include "sweeps/spec/tune.h"

#include <algorithm>
#include <set>

#include "common/nearest.h"
#include "sweeps/spec/keys.h"
#include "sweeps/spec/mapping.h"
#include "sweeps/spec/sections.h"

namespace lorikeet::spec {
namespace {

// Names of axes with something to choose from, in training arms.
std::vector<std::string> WhatMayBeTuned(const std::vector<Arm>& arms) {
  std::vector<std::string> names;
  for (const Arm& arm : arms) {
    if (!Trains(arm.method)) continue;
    for (const Axis& axis : arm.axes) {
      if (axis.values.size() > 1 && std::find(names.begin(), names.end(), axis.name) == names.end())
        names.push_back(axis.name);
    }
  }
  return names;
}

std::vector<std::string> ReadAxes(const Value& value, std::vector<Arm>& arms) {
  std::vector<std::string> read;
  if (!value.IsList() || value.node.size() == 0) {
    value.Refuse("a list of keys that have a list of values in an arm, such as [learning_rate]");
    return read;
  }
  const std::vector<std::string> known = WhatMayBeTuned(arms);
  for (const Value& element : value.Elements()) {
    const std::optional<std::string> name = ReadText(element, "the name of an axis, such as learning_rate");
    if (!name) continue;
    if (std::find(known.begin(), known.end(), *name) == known.end()) {
      element.Refuse(known.empty()
                         ? "a key that has a list of values in an arm that trains; none of this file's has"
                         : fmt::format("a key that has a list of values in an arm that trains ({}){}",
                                       fmt::join(known, ", "), DidYouMean(*name, known)));
      continue;
    }
    if (std::find(read.begin(), read.end(), *name) != read.end()) {
      element.Refuse("each axis once");
      continue;
    }
    read.push_back(*name);
    for (Arm& arm : arms) {
      if (!Trains(arm.method)) continue;
      for (Axis& axis : arm.axes) axis.tuned = axis.tuned || axis.name == *name;
    }
  }
  return read;
}

std::vector<std::int64_t> ReadTuningSeeds(const Value& value, const std::vector<std::int64_t>& seeds) {
  std::vector<std::int64_t> read;
  const std::set<std::int64_t> taken(seeds.begin(), seeds.end());
  for (const std::int64_t seed : ReadSeeds(value)) {
    if (!taken.contains(seed)) {
      read.push_back(seed);
      continue;
    }
    value.Refuse(
        fmt::format("seeds that are not in 'seeds': what was chosen with seed {} would be tested "
                    "with it too; another, such as {}",
                    seed, *taken.rbegin() < kMostCount ? *taken.rbegin() + 100 : 0));
    return read;
  }
  return read;
}

}  // namespace

TuneSettings ReadTune(const Value& value, const std::vector<std::int64_t>& seeds, std::vector<Arm>& arms) {
  TuneSettings tune;
  const Mapping mapping = Mapping::ReadDeclared(value, TuneKeys());
  if (const Value* axes = mapping.Require("axes", "the keys whose values are tried, such as [learning_rate]"))
    tune.axes = ReadAxes(*axes, arms);
  if (const Value* by = mapping.Find("by")) {
    tune.by = ReadChoice(*by, mapping.TypeOf("by")).value_or(tune.by);
  }
  if (const Value* tuning_seeds =
          mapping.Require("seeds", "a list of seeds that are not in 'seeds', such as [101]")) {
    tune.seeds = ReadTuningSeeds(*tuning_seeds, seeds);
  }
  return tune;
}

}  // namespace lorikeet::spec
