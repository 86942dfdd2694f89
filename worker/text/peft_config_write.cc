#include <cmath>
#include <nlohmann/json.hpp>

#include "worker/text/peft_config.h"

namespace lorikeet::text {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kPeftVersion = "0.21.2";

// Whole numbers without a fraction, as PEFT types lora_alpha.
Json Number(double value) {
  constexpr double kMostExact = 1LL << 53;  // past it, and where it is not finite, there is no such number
  if (!(std::fabs(value) <= kMostExact) || value != std::trunc(value)) return value;
  return static_cast<std::int64_t>(value);
}

template <typename Value>
Json Patterns(const std::vector<std::pair<std::string, Value>>& patterns) {
  Json json = Json::object();
  for (const auto& [pattern, value] : patterns) json[pattern] = value;
  return json;
}

}  // namespace

std::string ToJson(const PeftLora& lora, const std::string& base_model) {
  const Json json = {
      {"alora_invocation_tokens", nullptr},
      {"alpha_pattern", Patterns(lora.alpha_pattern)},
      {"arrow_config", nullptr},
      {"auto_mapping", nullptr},
      {"base_model_name_or_path", base_model},
      {"bias", "none"},
      {"corda_config", nullptr},
      {"ensure_weight_tying", false},
      {"eva_config", nullptr},
      {"exclude_modules", nullptr},
      {"fan_in_fan_out", false},
      {"inference_mode", true},
      {"init_lora_weights", true},
      {"layer_replication", nullptr},
      {"layers_pattern", nullptr},
      {"layers_to_transform", nullptr},
      {"loftq_config", Json::object()},
      {"lora_alpha", Number(lora.alpha)},
      {"lora_bias", false},
      {"lora_dropout", lora.dropout},
      {"megatron_config", nullptr},
      {"megatron_core", "megatron.core"},
      {"modules_to_save", nullptr},
      {"peft_type", "LORA"},
      {"peft_version", kPeftVersion},
      {"qalora_group_size", 16},
      {"r", lora.rank},
      {"rank_pattern", Patterns(lora.rank_pattern)},
      {"revision", nullptr},
      {"target_modules", lora.targets},
      {"target_parameters", nullptr},
      {"task_type", "SEQ_2_SEQ_LM"},
      {"trainable_token_indices", nullptr},
      {"use_dora", false},
      {"use_qalora", false},
      {"use_rslora", lora.use_rslora},
  };
  return json.dump(2) + "\n";
}

std::string ToJson(const PeftPrompt& prompt, const PeftBase& base) {
  const bool from_text = prompt.init == "text";
  const Json json = {
      {"auto_mapping", nullptr},
      {"base_model_name_or_path", base.name},
      {"inference_mode", true},
      {"modules_to_save", nullptr},
      {"num_attention_heads", base.num_heads},
      {"num_layers", base.num_layers},
      // PEFT's default for T5 is 2: twice the rows, of which the second half is never used. One says the same
      // without.
      {"num_transformer_submodules", 1},
      {"num_virtual_tokens", prompt.tokens},
      {"peft_type", "PROMPT_TUNING"},
      {"peft_version", kPeftVersion},
      {"prompt_tuning_init", from_text                     ? "TEXT"
                             : prompt.init == "vocabulary" ? "SAMPLE_VOCAB"
                                                           : "RANDOM"},
      {"prompt_tuning_init_text", from_text ? Json(prompt.init_text) : Json()},
      {"revision", nullptr},
      {"task_type", "SEQ_2_SEQ_LM"},
      {"token_dim", base.d_model},
      {"tokenizer_kwargs", nullptr},
      {"tokenizer_name_or_path", from_text ? Json(base.name) : Json()},
  };
  return json.dump(2) + "\n";
}

}  // namespace lorikeet::text
