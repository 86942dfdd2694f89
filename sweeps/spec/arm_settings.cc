// The arms' own keys.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sweeps/spec/adapter_key.h"
#include "sweeps/spec/keys.h"
#include "sweeps/spec/setting_kinds.h"

namespace lorikeet::spec {
namespace {

std::string JoinTargets(const std::vector<std::string>& targets) {
  std::string text;
  for (const std::string& target : targets) text += (text.empty() ? "" : ",") + target;
  return text;
}

Key Targets(const Declared& declared) {
  return {declared.name, declared,
          [modules = declared.type.parts[0]](const Value& value) -> std::optional<Setting> {
            if (!value.IsList() || value.node.size() == 0) {
              value.Refuse(
                  fmt::format("a list of modules, such as [q, v], of {}", fmt::join(modules.choices, ", ")));
              return std::nullopt;
            }
            std::vector<std::string> targets;
            bool good = true;
            for (const Value& element : value.Elements()) {
              const std::optional<std::string> target = ReadChoice(element, modules);
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

Key AlphaOverRank(const Declared& declared) {
  return {declared.name, declared,
          [type = declared.type](const Value& value) -> std::optional<Setting> {
            const std::optional<double> ratio = ReadNumber(value, type);
            if (!ratio) return std::nullopt;
            return Setting{
                Text(*ratio),
                [=](Trial& trial) { trial.lora.alpha = *ratio * static_cast<double>(trial.lora.rank); },
                Stage::kComputed};
          },
          [](const Trial& trial) { return Text(trial.lora.alpha / static_cast<double>(trial.lora.rank)); }};
}

Key InitText(const Declared& declared) {
  return {declared.name, declared,
          [](const Value& value) -> std::optional<Setting> {
            const std::optional<std::string> text = ReadText(value, "the text that the prompt starts from");
            if (!text) return std::nullopt;
            return Setting{*text, [=](Trial& trial) { trial.prompt.init_text = *text; }};
          },
          [](const Trial& trial) { return trial.prompt.init_text; }};
}

}  // namespace

const std::vector<Key>& ArmKeys(Method method) {
  constexpr std::int64_t kMostRows = 65'536;  // far past every T5's width: a larger rank or prompt is a slip
  static const auto& none = *new std::vector<Key>;
  static const auto& lora = *new std::vector<Key>{
      Count({"rank", Whole(1, kMostRows), Words("needed without `adapter`"), "of the update"},
            FIELD(lora.rank)),
      Decimal({"alpha", Numeric(Above(0)), Words("by `alpha_over_rank`"),
               "the update is scaled by alpha / rank; in place of `alpha_over_rank`"},
              FIELD(lora.alpha)),
      AlphaOverRank({"alpha_over_rank", Numeric(Above(0)), Is("2"),
                     "the same as a ratio, which holds for every rank of an axis"}),
      Targets({"targets",
               ListOf(OneOf({"q", "k", "v", "o", "wi", "wi_0", "wi_1", "wo"}), 1, 0, /*unique=*/true),
               Is("[q, v]"),
               "the matrices that get an update (`wi` in T5 v1.0, `wi_0` and `wi_1` in v1.1 and Flan)"}),
      Decimal({"dropout", Numeric(Share(true)), Is("0"), "on LoRA's own input, beside the base's dropout"},
              FIELD(lora.dropout)),
      AdapterKey(Method::kLora),
  };
  static const auto& prompt = *new std::vector<Key>{
      Count({"tokens", Whole(1, kMostRows), Words("needed without `adapter`"),
             "how many prompt tokens are trained"},
            FIELD(prompt.tokens)),
      Choice({"init", OneOf({"random", "vocabulary", "text"}), Is("vocabulary"),
              "what they start from: `random` draws from N(0, 1), `vocabulary` takes rows of random tokens, "
              "`text` the tokens of `init_text`, over and over"},
             FIELD(prompt.init)),
      InitText(
          {"init_text", Plain(Type::Of::kText), Words("needed with `init: text`"), "read with it alone"}),
      AdapterKey(Method::kPrompt),
  };
  static const auto& lead = *new std::vector<Key>{
      Count({"sentences", Whole(1), Is("3"), "the article's first sentences"}, FIELD(lead.sentences))};
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

const Keys& OwnKeys(Method method) {
  static const auto& all = *[] {
    auto* keys = new std::array<Keys, kMethods.size()>;
    for (const Method one : kMethods) {
      for (const Key& key : ArmKeys(one)) (*keys)[static_cast<std::size_t>(one)].push_back(key.declared);
    }
    return keys;
  }();
  return all[static_cast<std::size_t>(method)];
}

const Keys& ArmsKeys() {
  const auto own = [](Method method) {
    return MappingOf([method]() -> const Keys& { return OwnKeys(method); });
  };
  static const auto& keys = *new Keys{
      {MethodName(Method::kFull), own(Method::kFull), Words("none"), "full fine-tuning"},
      {MethodName(Method::kLora), own(Method::kLora), Words("none"),
       "low-rank updates of some of the matrices"},
      {MethodName(Method::kPrompt), own(Method::kPrompt), Words("none"), "prompt tuning"},
      {MethodName(Method::kZeroShot), own(Method::kZeroShot), Words("none"),
       "the base model as it is; takes no keys"},
      {MethodName(Method::kLead), own(Method::kLead), Words("none"), "the beginning of the article"},
  };
  return keys;
}

}  // namespace lorikeet::spec
