// Gathers one mapping's settings and axes: an arm's, or (without axes) those of `train`.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sweeps/spec/arms.h"
#include "sweeps/spec/reader.h"
#include "sweeps/spec/settings.h"

namespace lorikeet::spec {

class Collector {
 public:
  explicit Collector(bool axes) : axes_(axes) {}

  // One key's value, or its list of values where axes may stand.
  void Read(const Key& key, const Value& value);
  // `optimizer`: a name, or a mapping with the name and more.
  void ReadOptimizer(const Value& value);
  void AddFixed(const std::string& key, Setting setting) { arm_.fixed.emplace_back(key, std::move(setting)); }

  // Where the key was given, rightly or wrongly; nothing where it was not.
  std::optional<Position> Given(const std::string& key) const;
  // The values of a counting key: those given, else `otherwise`.
  std::vector<std::int64_t> Counts(const std::string& key, std::optional<std::int64_t> otherwise) const;
  // What was gathered: its settings, axes and number of configurations.
  Arm& arm() { return arm_; }

 private:
  void ReadAxis(const Key& key, const Value& value);

  const bool axes_;
  Arm arm_;
  std::map<std::string, Position> given_;
};

}  // namespace lorikeet::spec
