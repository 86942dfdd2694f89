// The keys whose values an arm may vary: how each is read, what it does to a trial, how it is shown.
//
// One table a group, so that the sweep file's `train` section, its arms, the configurations' names and the
// notes all mean the same by a key. To add a key of `train`, add a row to TrainKeys. Immutable; thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sweeps/spec/reader.h"
#include "sweeps/trial/trial.h"

namespace lorikeet::spec {

// When a setting is applied: what starts a group afresh first, what is computed from other settings last.
enum class Stage { kReset, kValue, kComputed };

// One value of one key.
struct Setting {
  std::string text;  // as names and tables print it: "8", "0.001", "q,v"
  std::function<void(Trial&)> apply;
  Stage stage = Stage::kValue;
};

struct Key {
  std::string name;
  Declared declared;  // its name there is the one in its mapping: `eps`, where name is "optimizer.eps"
  std::function<std::optional<Setting>(const Value&)> read;
  std::function<std::string(const Trial&)> show;  // the trial's value of this key
  bool list = false;   // one value is itself a list (targets, betas): an axis is a list of lists
  bool named = false;  // in an arm it is an axis, and so in configurations' names, with one value too
};

// The keys of `train` but for `optimizer`, whose map OptimizerKeys reads ("optimizer" is the name's row
// there).
const std::vector<Key>& TrainKeys();
const std::vector<Key>& OptimizerKeys();
// An arm's own keys; none for full and zero_shot.
const std::vector<Key>& ArmKeys(Method method);

std::vector<std::string> Names(const std::vector<Key>& keys);
// nullptr where there is none.
const Key* FindKey(const std::vector<Key>& keys, const std::string& name);

}  // namespace lorikeet::spec
