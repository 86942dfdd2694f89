#include "sweeps/spec/settings.h"

#include <algorithm>

#include "sweeps/spec/adapter_key.h"
#include "sweeps/spec/quantity.h"

namespace lorikeet::spec {
namespace {

using ShowTrial = std::function<std::string(const Trial&)>;

constexpr const char* kNotSet = "not set";

std::string Text(const std::string& value) { return value; }
std::string Text(std::int64_t value) { return std::to_string(value); }
std::string Text(double value) { return FormatDecimal(value); }
std::string Text(bool value) { return value ? "true" : "false"; }
template <typename T>
std::string Text(const std::optional<T>& value) {
  return value ? Text(*value) : kNotSet;
}

// `field` gives the member of a trial, const or not.
template <typename Field>
ShowTrial ShowField(Field field) {
  return [field](const Trial& trial) { return Text(field(trial)); };
}

template <typename Field, typename T>
Setting Assign(Field field, const T& value) {
  return {Text(value), [field, value](Trial& trial) { field(trial) = value; }};
}

template <typename Field>
Key Count(std::string name, std::int64_t low, Field field, std::int64_t high = kMostCount) {
  return {std::move(name),
          [=](const Value& value) -> std::optional<Setting> {
            const std::optional<std::int64_t> read = ReadInteger(value, low, high);
            return read ? std::optional(Assign(field, *read)) : std::nullopt;
          },
          ShowField(field)};
}

template <typename Field>
Key Decimal(std::string name, const Range& range, Field field) {
  return {std::move(name),
          [=](const Value& value) -> std::optional<Setting> {
            const std::optional<double> read = ReadNumber(value, range);
            return read ? std::optional(Assign(field, *read)) : std::nullopt;
          },
          ShowField(field)};
}

template <typename Field>
Key Choice(std::string name, const std::vector<std::string>& choices, Field field) {
  return {std::move(name),
          [=](const Value& value) -> std::optional<Setting> {
            const std::optional<std::string> read = ReadChoice(value, choices);
            return read ? std::optional(Assign(field, *read)) : std::nullopt;
          },
          ShowField(field)};
}

template <typename Field>
Key Switch(std::string name, Field field) {
  return {std::move(name),
          [=](const Value& value) -> std::optional<Setting> {
            const std::optional<bool> read = ReadBool(value);
            return read ? std::optional(Assign(field, *read)) : std::nullopt;
          },
          ShowField(field)};
}

// A trial's member, for both const and changeable trials.
#define FIELD(member) ([](auto& trial) -> auto& { return trial.member; })

// epochs and steps exclude each other: the one that is set last counts.
Key Length(const std::string& name, std::optional<std::int64_t> TrainSettings::*set,
           std::optional<std::int64_t> TrainSettings::*unset) {
  return {name,
          [=](const Value& value) -> std::optional<Setting> {
            const std::optional<std::int64_t> read = ReadInteger(value, 1);
            if (!read) return std::nullopt;
            return Setting{Text(*read), [=](Trial& trial) {
                             trial.train.*set = read;
                             trial.train.*unset = std::nullopt;
                           }};
          },
          [=](const Trial& trial) { return Text(trial.train.*set); }};
}

Key ValidateEvery() {
  static constexpr const char* kEpoch = "epoch";
  return {"validate_every",
          [](const Value& value) -> std::optional<Setting> {
            if (value.node.IsScalar() && !ParseInteger(value.node.Scalar()).value) {
              if (value.node.Scalar() != kEpoch) {
                value.Refuse("epoch, or a whole number of steps");
                return std::nullopt;
              }
              return Setting{kEpoch, [](Trial& trial) { trial.train.validate_every_steps = std::nullopt; }};
            }
            const std::optional<std::int64_t> steps = ReadInteger(value, 1);
            if (!steps) return std::nullopt;
            return Setting{Text(*steps), [=](Trial& trial) { trial.train.validate_every_steps = steps; }};
          },
          [](const Trial& trial) {
            return trial.train.validate_every_steps ? Text(*trial.train.validate_every_steps)
                                                    : std::string(kEpoch);
          }};
}

Key Precision() {
  Key key = Choice("precision", {"fp32", "bf16"}, FIELD(train.precision));
  key.read = [read = key.read](const Value& value) -> std::optional<Setting> {
    if (!value.node.IsScalar() || value.node.Scalar() != "fp16") return read(value);
    value.Refuse(kWhyNotFp16);
    return std::nullopt;
  };
  return key;
}

Key Betas() {
  return {"optimizer.betas",
          [](const Value& value) -> std::optional<Setting> {
            const std::vector<Value> elements = value.IsList() ? value.Elements() : std::vector<Value>{};
            if (elements.size() != 2) {
              value.Refuse("two numbers, such as [0.9, 0.999]");
              return std::nullopt;
            }
            const std::optional<double> beta1 = ReadNumber(elements[0], Share(true));
            const std::optional<double> beta2 = ReadNumber(elements[1], Share(true));
            if (!beta1 || !beta2) return std::nullopt;
            return Setting{Text(*beta1) + "," + Text(*beta2), [=](Trial& trial) {
                             trial.train.optimizer.beta1 = *beta1;
                             trial.train.optimizer.beta2 = *beta2;
                           }};
          },
          [](const Trial& trial) {
            return Text(trial.train.optimizer.beta1) + "," + Text(trial.train.optimizer.beta2);
          },
          true};
}

std::string JoinTargets(const std::vector<std::string>& targets) {
  std::string text;
  for (const std::string& target : targets) text += (text.empty() ? "" : ",") + target;
  return text;
}

Key Targets() {
  return {"targets",
          [](const Value& value) -> std::optional<Setting> {
            static const std::vector<std::string> kModules = {"q", "k", "v", "o", "wi", "wi_0", "wi_1", "wo"};
            if (!value.IsList() || value.node.size() == 0) {
              value.Refuse("a list of modules, such as [q, v], of q, k, v, o, wi, wi_0, wi_1, wo");
              return std::nullopt;
            }
            std::vector<std::string> targets;
            bool good = true;
            for (const Value& element : value.Elements()) {
              const std::optional<std::string> target = ReadChoice(element, kModules);
              if (target && std::find(targets.begin(), targets.end(), *target) != targets.end()) {
                element.Refuse("each module once");
                good = false;
              }
              good = good && target;
              if (target) targets.push_back(*target);
            }
            if (!good) return std::nullopt;
            return Setting{JoinTargets(targets), [=](Trial& trial) { trial.lora.targets = targets; }};
          },
          [](const Trial& trial) { return JoinTargets(trial.lora.targets); }, true};
}

Key AlphaOverRank() {
  return {"alpha_over_rank",
          [](const Value& value) -> std::optional<Setting> {
            const std::optional<double> ratio = ReadNumber(value, Above(0));
            if (!ratio) return std::nullopt;
            return Setting{
                Text(*ratio),
                [=](Trial& trial) { trial.lora.alpha = *ratio * static_cast<double>(trial.lora.rank); },
                Stage::kComputed};
          },
          [](const Trial& trial) { return Text(trial.lora.alpha / static_cast<double>(trial.lora.rank)); }};
}

Key InitText() {
  return {"init_text",
          [](const Value& value) -> std::optional<Setting> {
            const std::optional<std::string> text = ReadText(value, "the text that the prompt starts from");
            if (!text) return std::nullopt;
            return Setting{*text, [=](Trial& trial) { trial.prompt.init_text = *text; }};
          },
          [](const Trial& trial) { return trial.prompt.init_text; }};
}

// The optimizer's name starts its settings afresh: an arm's optimizer replaces that of `train` as a whole.
Key OptimizerName() {
  return {"optimizer",
          [](const Value& value) -> std::optional<Setting> {
            static const std::vector<std::string> kNames = {"adamw", "adafactor"};
            const std::optional<std::string> name = ReadChoice(value, kNames);
            if (!name) return std::nullopt;
            return Setting{*name,
                           [=](Trial& trial) {
                             trial.train.optimizer = OptimizerSettings{};
                             trial.train.optimizer.name = *name;
                           },
                           Stage::kReset};
          },
          ShowField(FIELD(train.optimizer.name))};
}

}  // namespace

const std::vector<Key>& TrainKeys() {
  static const auto& keys = *new std::vector<Key>{
      Length("epochs", &TrainSettings::epochs, &TrainSettings::steps),
      Length("steps", &TrainSettings::steps, &TrainSettings::epochs),
      Count("batch_size", 1, FIELD(train.batch_size)),
      Count("micro_batch_size", 1, FIELD(train.micro_batch_size)),
      Decimal("learning_rate", Above(0), FIELD(train.learning_rate)),
      Choice("schedule", {"constant", "linear", "cosine"}, FIELD(train.schedule)),
      Count("warmup_steps", 0, FIELD(train.warmup_steps)),
      Precision(),
      Decimal("dropout", Share(true), FIELD(train.dropout)),
      Switch("gradient_checkpointing", FIELD(train.gradient_checkpointing)),
      Decimal("gradient_clip", AtLeast(0), FIELD(train.gradient_clip)),
      ValidateEvery(),
      Choice("keep", {"best", "last"}, FIELD(train.keep)),
      Choice("keep_by", {"validation_loss", "validation_rouge1"}, FIELD(train.keep_by)),
      Count("patience", 1, FIELD(train.patience)),
  };
  return keys;
}

const std::vector<Key>& OptimizerKeys() {
  static const auto& keys = *new std::vector<Key>{
      OptimizerName(),
      Decimal("optimizer.weight_decay", AtLeast(0), FIELD(train.optimizer.weight_decay)),
      Betas(),
      Decimal("optimizer.eps", Above(0), FIELD(train.optimizer.eps)),
      Switch("optimizer.relative_step", FIELD(train.optimizer.relative_step)),
      Switch("optimizer.scale_parameter", FIELD(train.optimizer.scale_parameter)),
  };
  return keys;
}

const std::vector<Key>& ArmKeys(Method method) {
  constexpr std::int64_t kMostRows = 65'536;  // far past every T5's width: a larger rank or prompt is a slip
  static const auto& none = *new std::vector<Key>;
  static const auto& lora = *new std::vector<Key>{
      Count("rank", 1, FIELD(lora.rank), kMostRows),
      Decimal("alpha", Above(0), FIELD(lora.alpha)),
      AlphaOverRank(),
      Targets(),
      Decimal("dropout", Share(true), FIELD(lora.dropout)),
      AdapterKey(Method::kLora),
  };
  static const auto& prompt = *new std::vector<Key>{
      Count("tokens", 1, FIELD(prompt.tokens), kMostRows),
      Choice("init", {"random", "vocabulary", "text"}, FIELD(prompt.init)),
      InitText(),
      AdapterKey(Method::kPrompt),
  };
  static const auto& lead = *new std::vector<Key>{Count("sentences", 1, FIELD(lead.sentences))};
  switch (method) {
    case Method::kLora:
      return lora;
    case Method::kPrompt:
      return prompt;
    case Method::kLead:
      return lead;
    case Method::kFull:
    case Method::kZeroShot:
      break;
  }
  return none;
}

std::vector<std::string> Names(const std::vector<Key>& keys) {
  std::vector<std::string> names;
  names.reserve(keys.size());
  for (const Key& key : keys) names.push_back(key.name);
  return names;
}

const Key* FindKey(const std::vector<Key>& keys, const std::string& name) {
  const auto key = std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.name == name; });
  return key == keys.end() ? nullptr : &*key;
}

}  // namespace lorikeet::spec
