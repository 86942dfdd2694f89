#include "sweeps/spec/expand.h"

#include <algorithm>
#include <functional>
#include <iterator>

namespace lorikeet::spec {
namespace {

// One choice an axis.
using Point = std::vector<const Setting*>;

// What the point's trial is: the shared part, the arm's fixed settings, the axes' values, each stage in turn.
Trial MakeTrial(const Arm& arm, const Point& point, const Trial& base) {
  Trial trial = base;
  trial.method = arm.method;
  std::vector<Setting> settings;
  for (const auto& [key, setting] : arm.fixed) settings.push_back(setting);
  for (const Setting* setting : point) settings.push_back(*setting);
  Apply(settings, trial);
  if (trial.prompt.init != "text") trial.prompt.init_text.clear();  // it belongs to another value of the axis
  if (!Trains(arm.method)) {
    // What only training reads must not tell two references apart.
    const std::string precision = base.train.precision;
    trial.train = TrainSettings{};
    trial.train.precision = precision;
  }
  return trial;
}

// Every key of a training arm that may be shown, the method's own first.
std::vector<const Key*> KeysOf(Method method) {
  std::vector<const Key*> keys;
  for (const Key& key : ArmKeys(method)) keys.push_back(&key);
  if (!Trains(method)) return keys;
  for (const std::vector<Key>* table : {&TrainKeys(), &OptimizerKeys()}) {
    for (const Key& key : *table) {
      if (FindKey(ArmKeys(method), key.name) == nullptr) keys.push_back(&key);  // lora's dropout is its own
    }
  }
  return keys;
}

bool Overrides(const Arm& arm, const std::string& key) {
  return std::any_of(arm.axes.begin(), arm.axes.end(), [&](const Axis& axis) { return axis.name == key; }) ||
         std::any_of(arm.fixed.begin(), arm.fixed.end(),
                     [&](const auto& fixed) { return fixed.first == key; });
}

// rank, alpha, targets, tokens, learning_rate, how long; and whatever else the arm says itself.
bool IsTelling(const Arm& arm, const Trial& trial, const std::string& key) {
  if (key == "alpha_over_rank") return false;  // alpha says it
  if (key == "init_text" && trial.prompt.init != "text") return false;
  if (!StartAdapter(trial).empty()) {  // what is not said here is the adapter's
    if (key == "rank" && trial.lora.rank == 0) return false;
    if (key == "alpha" && trial.lora.alpha == 0) return false;
    if (key == "targets" && trial.lora.targets.empty()) return false;
    if (key == "tokens" && trial.prompt.tokens == 0) return false;
    if (key == "init") return false;
  }
  if (key == "epochs") return trial.train.epochs.has_value();
  if (key == "steps") return trial.train.steps.has_value();
  static const std::vector<std::string> kAlways = {"rank", "alpha",     "targets",      "tokens",
                                                   "init", "sentences", "learning_rate"};
  if (std::find(kAlways.begin(), kAlways.end(), key) != kAlways.end()) {
    return key != "learning_rate" || trial.train.learning_rate.has_value();
  }
  return Overrides(arm, key);
}

// Its name has the axes for which `named` holds; `told` says which keys are.
Configuration MakeConfiguration(const Arm& arm, const Point& point, const Trial& base,
                                const std::function<bool(const Axis&)>& named,
                                const std::function<bool(const std::string&)>& told) {
  Configuration configuration;
  configuration.arm = MethodName(arm.method);
  configuration.name = configuration.arm;
  for (std::size_t i = 0; i < arm.axes.size(); ++i) {
    if (!named(arm.axes[i])) continue;
    configuration.axes.push_back({arm.axes[i].name, point[i]->text});
    configuration.name += fmt::format(" {}={}", arm.axes[i].name, point[i]->text);
  }
  configuration.trial = MakeTrial(arm, point, base);
  configuration.trial.configuration = configuration.name;
  for (const Key* key : KeysOf(arm.method)) {
    if (!IsTelling(arm, configuration.trial, key->name) || !told(key->name)) continue;
    configuration.settings.push_back({key->name, key->show(configuration.trial)});
  }
  return configuration;
}

// Every choice of values of those axes; `point` has the others' places, and all of them where `at_point` is
// called.
void ForEachPoint(const Arm& arm, const std::vector<std::size_t>& axes, Point& point,
                  const std::function<void()>& at_point) {
  std::vector<std::size_t> at(axes.size(), 0);
  for (;;) {
    for (std::size_t i = 0; i < axes.size(); ++i) point[axes[i]] = &arm.axes[axes[i]].values[at[i]];
    at_point();
    std::size_t axis = axes.size();
    while (axis > 0 && ++at[axis - 1] == arm.axes[axes[axis - 1]].values.size()) at[--axis] = 0;
    if (axis == 0) return;
  }
}

void ExpandArm(const Arm& arm, const Trial& base, std::vector<Configuration>& rows,
               std::vector<Configuration>& candidates) {
  std::vector<std::size_t> of_rows, tuned;
  std::int64_t tries = 1;
  for (std::size_t i = 0; i < arm.axes.size(); ++i) {
    (arm.axes[i].tuned ? tuned : of_rows).push_back(i);
    if (arm.axes[i].tuned) tries *= static_cast<std::int64_t>(arm.axes[i].values.size());
  }
  const auto is_tuned = [&](const std::string& key) {
    return std::any_of(tuned.begin(), tuned.end(), [&](std::size_t i) { return arm.axes[i].name == key; });
  };
  const auto all = [](const auto&) { return true; };
  Point point(arm.axes.size());
  ForEachPoint(arm, of_rows, point, [&] {
    const std::size_t row = rows.size();
    ForEachPoint(arm, tuned, point, [&] {
      if (rows.size() == row) {
        rows.push_back(MakeConfiguration(
            arm, point, base, [](const Axis& axis) { return !axis.tuned; },
            [&](const std::string& key) { return tries == 1 || !is_tuned(key); }));
        rows.back().tries = tries;
      }
      if (tries == 1) return;
      candidates.push_back(MakeConfiguration(arm, point, base, all, all));
      candidates.back().candidate_of = row;
    });
  });
}

// The arm's values of a key, as notes print them: "0.001", "0.001, 0.003".
std::string ValuesOf(const Arm& arm, const Key& key, const Trial& base) {
  for (const Axis& axis : arm.axes) {
    if (axis.name != key.name) continue;
    std::string values;
    for (const Setting& value : axis.values) values += (values.empty() ? "" : ", ") + value.text;
    return axis.tuned && axis.values.size() > 1 ? "one of " + values : values;
  }
  Point first;
  for (const Axis& axis : arm.axes) first.push_back(&axis.values.front());
  return key.show(MakeTrial(arm, first, base));
}

}  // namespace

std::optional<std::int64_t> CountRows(const Arm& arm) {
  if (!arm.configurations) return std::nullopt;
  std::int64_t tries = 1;
  for (const Axis& axis : arm.axes) {
    if (axis.tuned) tries *= static_cast<std::int64_t>(axis.values.size());
  }
  return *arm.configurations / std::max<std::int64_t>(tries, 1);
}

std::optional<std::int64_t> CountTrials(const std::vector<Arm>& arms, std::int64_t seeds,
                                        std::int64_t tuning_seeds) {
  std::int64_t total = 0;
  for (const Arm& arm : arms) {
    if (!arm.configurations) return std::nullopt;
    const std::int64_t rows = *CountRows(arm);
    std::int64_t trials = rows, candidates = rows == *arm.configurations ? 0 : *arm.configurations;
    if (Trains(arm.method) && __builtin_mul_overflow(trials, seeds, &trials)) return std::nullopt;
    if (__builtin_mul_overflow(candidates, tuning_seeds, &candidates)) return std::nullopt;
    if (__builtin_add_overflow(total, trials, &total)) return std::nullopt;
    if (__builtin_add_overflow(total, candidates, &total)) return std::nullopt;
  }
  return total;
}

std::vector<Configuration> ExpandArms(const std::vector<Arm>& arms, const Trial& base,
                                      const std::string& baseline_arm) {
  std::vector<const Arm*> order;
  order.reserve(arms.size());
  for (const Arm& arm : arms) order.push_back(&arm);
  const auto group = [&](const Arm* arm) {
    return MethodName(arm->method) == baseline_arm ? 0 : Trains(arm->method) ? 1 : 2;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](const Arm* a, const Arm* b) { return group(a) < group(b); });
  std::vector<Configuration> rows, candidates;
  for (const Arm* arm : order) ExpandArm(*arm, base, rows, candidates);
  rows.insert(rows.end(), std::make_move_iterator(candidates.begin()),
              std::make_move_iterator(candidates.end()));
  return rows;
}

std::vector<std::string> DescribeDifferences(const std::vector<Arm>& arms, const Trial& base) {
  std::vector<std::string> notes;
  for (const std::vector<Key>* table : {&TrainKeys(), &OptimizerKeys()}) {
    for (const Key& key : *table) {
      std::string note, first;
      bool differs = false;
      for (const Arm& arm : arms) {
        // lora's dropout is its own, not that of `train`.
        const bool own = FindKey(ArmKeys(arm.method), key.name) != nullptr;
        if (!Trains(arm.method)) continue;
        const std::string values = own ? key.show(base) : ValuesOf(arm, key, base);
        differs = differs || (!note.empty() && values != first);
        if (note.empty()) first = values;
        note += fmt::format("{}{} {}", note.empty() ? "" : "; ", MethodName(arm.method), values);
      }
      if (differs) notes.push_back(fmt::format("{}: {}", key.name, note));
    }
  }
  return notes;
}

}  // namespace lorikeet::spec
