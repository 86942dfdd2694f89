#include "sweeps/spec/settings.h"

#include <algorithm>

#include "sweeps/spec/keys.h"
#include "sweeps/spec/setting_kinds.h"

namespace lorikeet::spec {
namespace {

// epochs and steps exclude each other: the one that is set last counts.
Key Length(const Declared& declared, std::optional<std::int64_t> TrainSettings::*set,
           std::optional<std::int64_t> TrainSettings::*unset) {
  return {declared.name, declared,
          [=](const Value& value) -> std::optional<Setting> {
            const std::optional<std::int64_t> read = ReadInteger(value, declared.type);
            if (!read) return std::nullopt;
            return Setting{Text(*read), [=](Trial& trial) {
                             trial.train.*set = read;
                             trial.train.*unset = std::nullopt;
                           }};
          },
          [=](const Trial& trial) { return Text(trial.train.*set); }};
}

Key ValidateEvery(const Declared& declared) {
  static constexpr const char* kEpoch = "epoch";
  return {declared.name, declared,
          [steps_type = declared.type.parts[1]](const Value& value) -> std::optional<Setting> {
            if (value.node.IsScalar() && !ParseInteger(value.node.Scalar()).value) {
              if (value.node.Scalar() != kEpoch) {
                value.Refuse("epoch, or a whole number of steps");
                return std::nullopt;
              }
              return Setting{kEpoch, [](Trial& trial) { trial.train.validate_every_steps = std::nullopt; }};
            }
            const std::optional<std::int64_t> steps = ReadInteger(value, steps_type);
            if (!steps) return std::nullopt;
            return Setting{Text(*steps), [=](Trial& trial) { trial.train.validate_every_steps = steps; }};
          },
          [](const Trial& trial) {
            return trial.train.validate_every_steps ? Text(*trial.train.validate_every_steps)
                                                    : std::string(kEpoch);
          }};
}

Key Precision(const Declared& declared) {
  Key key = Choice(declared, FIELD(train.precision));
  key.read = [read = key.read](const Value& value) -> std::optional<Setting> {
    if (!value.node.IsScalar() || value.node.Scalar() != "fp16") return read(value);
    value.Refuse(kWhyNotFp16);
    return std::nullopt;
  };
  return key;
}

Key Betas(const Declared& declared) {
  return {declared.name, declared,
          [type = declared.type](const Value& value) -> std::optional<Setting> {
            const std::vector<Value> elements = value.IsList() ? value.Elements() : std::vector<Value>{};
            if (elements.size() != type.least) {
              value.Refuse("two numbers, such as [0.9, 0.999]");
              return std::nullopt;
            }
            const std::optional<double> beta1 = ReadNumber(elements[0], type.parts[0]);
            const std::optional<double> beta2 = ReadNumber(elements[1], type.parts[0]);
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

// The optimizer's name starts its settings afresh: an arm's optimizer replaces that of `train` as a whole.
Key OptimizerName(const Declared& declared) {
  return {"optimizer", declared,
          [type = declared.type](const Value& value) -> std::optional<Setting> {
            const std::optional<std::string> name = ReadChoice(value, type);
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

// The rows of `optimizer` but its name: "optimizer.eps" among the settings, `eps` in its mapping.
Key OfOptimizer(Key key) {
  key.name = "optimizer." + key.name;
  return key;
}

Keys DeclaredOf(const std::vector<Key>& keys) {
  Keys declared;
  for (const Key& key : keys) declared.push_back(key.declared);
  return declared;
}

}  // namespace

const std::vector<Key>& TrainKeys() {
  static const auto& keys = *new std::vector<Key>{
      Length({"epochs", Whole(1), Words("needed, here or in the arm; or `steps`"),
              "how often to train on all of the data"},
             &TrainSettings::epochs, &TrainSettings::steps),
      Length(
          {"steps", Whole(1), Words("`epochs` holds"), "how many updates to train for, in place of `epochs`"},
          &TrainSettings::steps, &TrainSettings::epochs),
      Count({"batch_size", Whole(1), Is("16"), "the effective batch, in documents"}, FIELD(train.batch_size)),
      Count({"micro_batch_size", Whole(1), Words("the batch, halved when memory runs out"),
             "how much of it is computed at a time; at most `batch_size`"},
            FIELD(train.micro_batch_size)),
      Decimal({"learning_rate", Numeric(Above(0)), Words("needed, here or in the arm"),
               "not with Adafactor's `relative_step`"},
              FIELD(train.learning_rate)),
      Choice({"schedule", OneOf({"constant", "linear", "cosine"}), Is("linear"),
              "of the learning rate, after the warm-up"},
             FIELD(train.schedule)),
      Count({"warmup_steps", Whole(0), Is("0"), "over so many updates the learning rate rises to its height"},
            FIELD(train.warmup_steps)),
      Precision({"precision", OneOf({"fp32", "bf16"}), Is("fp32"),
                 "`bf16`: matrix products in bf16; trainable weights, accumulation and moments in fp32. A "
                 "CPU without instructions for it (`avx512_bf16`, `amx_bf16`) uses fp32 in its place, warns, "
                 "and `precision` in `results` says what was used. `fp16` is refused: T5's activations "
                 "overflow in it"}),
      Decimal({"dropout", Numeric(Share(true)), Words("the base's `dropout_rate`"),
               "overrides it in every training arm"},
              FIELD(train.dropout)),
      Switch({"gradient_checkpointing", Plain(Type::Of::kSwitch), Is("false"),
              "keep each block's input only, and run the block again for its gradients: the same losses and "
              "gradients for about a third more time and far less memory"},
             FIELD(train.gradient_checkpointing)),
      Decimal({"gradient_clip", Numeric(AtLeast(0)), Is("1"), "the gradient's global norm; 0 turns it off"},
              FIELD(train.gradient_clip)),
      ValidateEvery({"validate_every", Either({OneOf({"epoch"}), Whole(1)}), Is("epoch"),
                     "when the loss on validation is looked at: after each epoch, or each so many updates"}),
      Choice({"keep", OneOf({"best", "last"}), Is("best"), "which checkpoint is evaluated"},
             FIELD(train.keep)),
      Choice({"keep_by", OneOf({"validation_loss", "validation_rouge1"}), Is("validation_loss"),
              "what best means"},
             FIELD(train.keep_by)),
      Count({"patience", Whole(1), Words("none"), "stop after so many validations without a gain"},
            FIELD(train.patience)),
  };
  return keys;
}

const std::vector<Key>& OptimizerKeys() {
  static const auto& keys = *new std::vector<Key>{
      OptimizerName({"name", OneOf({"adamw", "adafactor"}), Needed(), "which of them"}),
      OfOptimizer(Decimal({"weight_decay", Numeric(AtLeast(0)), Is("0"), "of both"},
                          FIELD(train.optimizer.weight_decay))),
      OfOptimizer(Betas(
          {"betas", ListOf(Numeric(Share(true)), 2, 2, /*unique=*/false), Is("[0.9, 0.999]"), "of AdamW"})),
      OfOptimizer(Decimal({"eps", Numeric(Above(0)), Is("1e-8"), "of AdamW"}, FIELD(train.optimizer.eps))),
      OfOptimizer(
          Switch({"relative_step", Plain(Type::Of::kSwitch), Is("false"),
                  "of Adafactor, which then makes its own learning rate: there must be no `learning_rate`"},
                 FIELD(train.optimizer.relative_step))),
      OfOptimizer(Switch({"scale_parameter", Plain(Type::Of::kSwitch), Is("false"),
                          "of Adafactor: steps in proportion to the weights' own size"},
                         FIELD(train.optimizer.scale_parameter))),
  };
  return keys;
}

const Keys& OptimizerMappingKeys() {
  static const Keys& keys = *new Keys(DeclaredOf(OptimizerKeys()));
  return keys;
}

const Keys& TrainSectionKeys() {
  static const Keys& keys = *[] {
    auto* all = new Keys(DeclaredOf(TrainKeys()));
    all->push_back({"optimizer",
                    Either({OptimizerKeys().front().declared.type, MappingOf(OptimizerMappingKeys)}),
                    Is("adamw"), "a name, or a mapping with `name` and more, below"});
    return all;
  }();
  return keys;
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
