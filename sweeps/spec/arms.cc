#include "sweeps/spec/arms.h"

#include <algorithm>
#include <utility>

#include "sweeps/spec/adapter_key.h"
#include "sweeps/spec/collector.h"
#include "sweeps/spec/keys.h"
#include "sweeps/spec/mapping.h"

namespace lorikeet::spec {
namespace {

// A micro-batch is a part of the batch. `otherwise` holds the two where the section does not.
void CheckBatch(Collector& collector, const Value& section, const TrainSettings& otherwise) {
  const auto at = collector.Given("micro_batch_size");
  const auto batch_at = collector.Given("batch_size");
  if (!at && !batch_at) return;  // said where they stand
  const std::vector<std::int64_t> micro = collector.Counts("micro_batch_size", otherwise.micro_batch_size);
  const std::vector<std::int64_t> batch = collector.Counts("batch_size", otherwise.batch_size);
  if (micro.empty() || batch.empty()) return;
  const std::int64_t most = *std::max_element(micro.begin(), micro.end());
  const std::int64_t least = *std::min_element(batch.begin(), batch.end());
  if (most <= least) return;
  section.mistakes->Add(at ? *at : *batch_at, fmt::format("{}.micro_batch_size: {}: at most batch_size, {}",
                                                          section.path, most, least));
}

void CheckLength(const Collector& collector, const Value& section) {
  const auto epochs = collector.Given("epochs"), steps = collector.Given("steps");
  if (epochs && steps) {
    section.mistakes->Add(std::max(*epochs, *steps),
                          fmt::format("{}: both epochs and steps: one of them", section.path));
  }
}

void ReadTrainKey(Collector& collector, const Mapping::Entry& entry) {
  if (entry.key == "optimizer") {
    collector.ReadOptimizer(entry.value);
  } else {
    collector.Read(*FindKey(TrainKeys(), entry.key), entry.value);
  }
}

void CheckLora(Collector& collector, const Mapping& mapping, const Value& self) {
  const bool given = mapping.Find("adapter") != nullptr;
  if (!given) mapping.Require("rank", "the rank of the update, such as 8, or an axis, such as [2, 4, 8]");
  const auto alpha = collector.Given("alpha"), ratio = collector.Given("alpha_over_rank");
  if (alpha && ratio) {
    self.mistakes->Add(std::max(*alpha, *ratio),
                       fmt::format("{}: both alpha and alpha_over_rank: one of them", self.path));
  }
  if (given) {
    collector.AddFixed("adapter", UnsetForAdapter(Method::kLora));
    if (ratio && !collector.Given("rank")) {
      self.mistakes->Add(*ratio,
                         fmt::format("{}.alpha_over_rank: of which rank? With an adapter, whose alpha "
                                     "holds, leave it out, or give its rank too",
                                     self.path));
    }
  } else if (!alpha && !ratio) {
    constexpr double kAlphaOverRank = 2;
    collector.AddFixed(
        "alpha_over_rank",
        {"2", [](Trial& trial) { trial.lora.alpha = kAlphaOverRank * static_cast<double>(trial.lora.rank); },
         Stage::kComputed});
  }
}

void CheckPrompt(Collector& collector, const Mapping& mapping, const Value& self) {
  if (mapping.Find("adapter") != nullptr) {
    collector.AddFixed("adapter", UnsetForAdapter(Method::kPrompt));
    for (const char* key : {"init", "init_text"}) {
      if (const Value* value = mapping.Find(key)) {
        self.mistakes->Add(value->at,
                           fmt::format("{}: the prompt starts from its adapter: leave it out", value->path));
      }
    }
    return;
  }
  mapping.Require("tokens", "how many prompt tokens are trained, such as 20, or an axis, such as [5, 20]");
  const Value* init = mapping.Find("init");
  const Value* text = mapping.Find("init_text");
  const auto is_text = [](const YAML::Node& node) { return node.IsScalar() && node.Scalar() == "text"; };
  bool starts_from_text = init != nullptr && is_text(init->node);
  if (init != nullptr && init->IsList())
    starts_from_text = std::any_of(init->node.begin(), init->node.end(), is_text);
  if (starts_from_text && text == nullptr) {
    mapping.Require("init_text", "the text that `init: text` starts from");
  } else if (!starts_from_text && text != nullptr) {
    self.mistakes->Add(
        text->at, fmt::format("{}: read with `init: text` only: add that, or leave this out", text->path));
  }
}

// The arm's trial where every axis has its first value.
Trial FirstTrial(const Arm& arm, const Trial& base) {
  std::vector<Setting> settings;
  for (const auto& [key, setting] : arm.fixed) settings.push_back(setting);
  for (const Axis& axis : arm.axes) {
    if (!axis.values.empty()) settings.push_back(axis.values.front());
  }
  Trial trial = base;
  Apply(settings, trial);
  return trial;
}

// What a training arm needs from itself or from `train`: how long to train, and (unless Adafactor makes its
// own) at what learning rate. Other combinations of an axis' values are looked at once they are made.
void CheckTraining(Collector& collector, const Mapping& mapping, const Value& self, const Trial& base,
                   const TrainSection& train) {
  const Trial trial = FirstTrial(collector.arm(), base);
  if (!train.length && !mapping.Mentions("steps")) {
    mapping.Require("epochs", "how long to train, epochs: 3 or steps: 1000, here or in train");
  }
  const OptimizerSettings& optimizer = trial.train.optimizer;
  const bool makes_its_own = optimizer.name == "adafactor" && optimizer.relative_step;
  if (!train.learning_rate && !makes_its_own)
    mapping.Require("learning_rate", "such as 1.0e-3, here or in train");
  if (trial.train.learning_rate && makes_its_own) {
    self.mistakes->Add(
        collector.Given("learning_rate").value_or(self.at),
        fmt::format("{}.learning_rate: Adafactor with relative_step makes its own: one of them", self.path));
  }
}

Arm ReadArm(const Mapping::Entry& entry, Method method, const Trial& base, const TrainSection& train,
            const PathRules& rules) {
  Collector collector(true);
  const Value& self = entry.value;
  std::vector<std::string> known = Names(ArmKeys(method));
  if (Trains(method)) {
    for (const std::string& name : NamesOf(TrainSectionKeys())) {
      if (std::find(known.begin(), known.end(), name) == known.end()) known.push_back(name);
    }
  }
  Value at_name = self;
  at_name.at = entry.at;  // what is missing in an arm is reported at its name
  const Mapping mapping = Mapping::Read(at_name, known);
  for (const Mapping::Entry& setting : mapping.entries()) {
    if (const Key* own = FindKey(ArmKeys(method), setting.key)) {
      collector.Read(own->name == "adapter" ? AdapterKey(method, &rules) : *own, setting.value);
    } else {
      ReadTrainKey(collector, setting);
    }
  }
  if (self.IsMapping() || self.IsNull()) {
    CheckLength(collector, self);
    if (Trains(method)) CheckBatch(collector, self, base.train);
    if (method == Method::kLora) CheckLora(collector, mapping, self);
    if (method == Method::kPrompt) CheckPrompt(collector, mapping, self);
    if (Trains(method)) CheckTraining(collector, mapping, at_name, base, train);
  }
  collector.arm().method = method;
  collector.arm().at = entry.at;
  return std::move(collector.arm());
}

}  // namespace

std::vector<Arm> ReadArms(const Value& arms, const Trial& base, const TrainSection& train,
                          const PathRules& rules) {
  const Mapping mapping = Mapping::ReadDeclared(arms, ArmsKeys());
  std::vector<Arm> read;
  for (const Mapping::Entry& entry : mapping.entries()) {
    const StatusOr<Method> method = ParseMethod(entry.key);
    if (method.ok()) read.push_back(ReadArm(entry, *method, base, train, rules));
  }
  return read;
}

TrainSection ReadTrain(const Value& train) {
  Collector collector(false);
  const Mapping mapping = Mapping::ReadDeclared(train, TrainSectionKeys());
  for (const Mapping::Entry& entry : mapping.entries()) ReadTrainKey(collector, entry);
  CheckLength(collector, train);
  CheckBatch(collector, train, TrainSettings{});
  TrainSection section;
  for (auto& [key, setting] : collector.arm().fixed) section.settings.push_back(std::move(setting));
  section.length = mapping.Mentions("epochs") || mapping.Mentions("steps");
  section.learning_rate = mapping.Mentions("learning_rate");
  return section;
}

void Apply(const std::vector<Setting>& settings, Trial& trial) {
  for (const Stage stage : {Stage::kReset, Stage::kValue, Stage::kComputed}) {
    for (const Setting& setting : settings) {
      if (setting.stage == stage) setting.apply(trial);
    }
  }
}

}  // namespace lorikeet::spec
