// adapter_config.json as PEFT 0.21 writes and reads it: the settings that we know, and a refusal by name of
// every other that would change what the adapter computes. Thread-safe: plain functions and values.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/status.h"

namespace lorikeet::text {

struct PeftLora {
  std::int64_t rank = 8;
  double alpha = 8;
  double dropout = 0;
  bool use_rslora = false;  // scaled by alpha / √rank instead of alpha / rank
  // The last part of the modules' names ("q"). Empty where the file has a pattern: its tensors then tell.
  std::vector<std::string> targets;
  // By a regular expression that the end of the module's name must match; the first that matches counts.
  std::vector<std::pair<std::string, std::int64_t>> rank_pattern;
  std::vector<std::pair<std::string, double>> alpha_pattern;

  // What the update of `module` is scaled by, and its rank.
  double Scale(const std::string& module) const;
  std::int64_t Rank(const std::string& module) const;
  friend bool operator==(const PeftLora&, const PeftLora&) = default;
};

struct PeftPrompt {
  std::int64_t tokens = 0;     // num_virtual_tokens
  std::int64_t token_dim = 0;  // d_model of its base
  std::string init = "vocabulary";
  std::string init_text;
  friend bool operator==(const PeftPrompt&, const PeftPrompt&) = default;
};

enum class PeftType { kLora, kPrompt };

struct PeftConfig {
  PeftType type = PeftType::kLora;
  PeftLora lora;
  PeftPrompt prompt;
};

// Reads `directory`/adapter_config.json. Errors name the file and the key.
StatusOr<PeftConfig> ReadPeftConfig(const std::string& directory);
// Its text; `path` is how messages call it.
StatusOr<PeftConfig> ParsePeftConfig(const std::string& text, const std::string& path);

// The base model, as the file of a prompt names it.
struct PeftBase {
  std::string name;  // base_model_name_or_path
  std::int64_t d_model = 0, num_heads = 0, num_layers = 0;
};

// The files' texts. `base_model` becomes base_model_name_or_path.
std::string ToJson(const PeftLora& lora, const std::string& base_model);
std::string ToJson(const PeftPrompt& prompt, const PeftBase& base);

}  // namespace lorikeet::text
