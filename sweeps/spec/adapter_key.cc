#include "sweeps/spec/adapter_key.h"

#include "sweeps/spec/file_checks.h"

namespace lorikeet::spec {

Key AdapterKey(Method method, const PathRules* rules) {
  const bool lora = method == Method::kLora;
  Key key;
  key.declared = {"adapter", Plain(Type::Of::kPath), Words("none"),
                  lora ? "a PEFT directory of LoRA to start from: [below](#an-adapter-to-start-from)"
                       : "a PEFT directory of a prompt to start from"};
  key.name = key.declared.name;
  key.named = true;
  key.read = [=](const Value& value) -> std::optional<Setting> {
    if (rules == nullptr) return std::nullopt;
    const auto path = ReadPath(value, "a PEFT directory: adapter_config.json, adapter_model.safetensors",
                               *rules, lora ? LoraAdapterMistakes : PromptAdapterMistakes);
    if (!path) return std::nullopt;
    return Setting{value.node.Scalar(),
                   [=](Trial& trial) { (lora ? trial.lora.adapter : trial.prompt.adapter) = *path; }};
  };
  key.show = [=](const Trial& trial) { return lora ? trial.lora.adapter : trial.prompt.adapter; };
  return key;
}

Setting UnsetForAdapter(Method method) {
  return {"",
          [=](Trial& trial) {
            if (method == Method::kLora) {
              trial.lora = LoraSettings{.rank = 0, .alpha = 0, .targets = {}, .dropout = 0, .adapter = ""};
            } else {
              trial.prompt =
                  PromptSettings{.tokens = 0, .init = "vocabulary", .init_text = "", .adapter = ""};
            }
          },
          Stage::kReset};
}

}  // namespace lorikeet::spec
