#include "worker/text/peft_config.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <type_traits>

#include "common/files.h"
#include "common/json.h"
#include "worker/text/peft_pattern.h"

namespace lorikeet::text {
namespace {

using Json = nlohmann::ordered_json;

// Of a file: those of PEFT have some kilobytes, one with a pattern a module some more.
constexpr std::size_t kMostBytes = std::size_t{4} << 20;

// Keys that change nothing of what a finished adapter computes.
const std::set<std::string_view> kIgnored = {"auto_mapping",
                                             "base_model_name_or_path",
                                             "ensure_weight_tying",
                                             "eva_config",
                                             "exclude_modules",
                                             "inference_mode",
                                             "layers_pattern",
                                             "loftq_config",
                                             "megatron_core",
                                             "num_attention_heads",
                                             "num_layers",
                                             "peft_type",
                                             "peft_version",
                                             "qalora_group_size",
                                             "revision",
                                             "runtime_config",
                                             "task_type",
                                             "tokenizer_kwargs",
                                             "tokenizer_name_or_path"};
const std::set<std::string_view> kLoraKeys = {"r",
                                              "lora_alpha",
                                              "lora_dropout",
                                              "target_modules",
                                              "use_rslora",
                                              "rank_pattern",
                                              "alpha_pattern",
                                              "bias",
                                              "init_lora_weights",
                                              "layers_to_transform"};
const std::set<std::string_view> kPromptKeys = {"num_virtual_tokens", "token_dim",
                                                "num_transformer_submodules", "prompt_tuning_init",
                                                "prompt_tuning_init_text"};

bool IsNothing(const Json& value) {
  return value.is_null() || value == false || value == "none" ||
         ((value.is_array() || value.is_object()) && value.empty());
}

// Reads keys of one object; the first mistake is kept, naming file and key.
class Reader {
 public:
  Reader(const Json& json, std::string path) : json_(json), path_(std::move(path)) {}
  const Status& status() const { return status_; }

  bool Has(const char* key) const { return json_.contains(key) && !json_[key].is_null(); }
  void Refuse(const std::string& key, const std::string& right) {
    if (!status_.ok()) return;
    // In ASCII, so that it may be cut anywhere.
    std::string given = json_.contains(key) ? json_[key].dump(-1, ' ', /*ensure_ascii=*/true) : "nothing";
    if (given.size() > kMostShown) given.replace(kMostShown, std::string::npos, "…");
    status_ = InvalidArgument("{}: {}: {} given, {}", path_, key, given, right);
  }
  void Integer(const char* key, std::int64_t& value) {
    if (!Has(key) || !json_[key].is_number_integer() || json_[key] < 1 || json_[key] > kMaximum) {
      return Refuse(key, fmt::format("an integer of 1 to {} would be right", kMaximum));
    }
    value = json_[key].get<std::int64_t>();
  }
  void Number(const char* key, double& value) {
    if (!Has(key)) return;
    if (!json_[key].is_number()) return Refuse(key, "a number would be right");
    value = json_[key].get<double>();
  }
  void Boolean(const char* key, bool& value) {
    if (!Has(key)) return;
    if (!json_[key].is_boolean()) return Refuse(key, "true or false would be right");
    value = json_[key].get<bool>();
  }
  void Text(const char* key, std::string& value) {
    if (!Has(key)) return;
    if (!json_[key].is_string()) return Refuse(key, "a string would be right");
    value = json_[key].get<std::string>();
  }
  template <typename Value>
  void Pattern(const char* key, std::vector<std::pair<std::string, Value>>& values) {
    if (!Has(key)) return;
    if (!json_[key].is_object()) return Refuse(key, "an object would be right");
    for (const auto& [pattern, value] : json_[key].items()) {
      // A rank divides, and counts rows.
      const bool fits = std::is_integral_v<Value> ? value.is_number_integer() && value >= 1
                                                  : value.is_number() && value >= 0;
      if (!fits || value > kMaximum) {
        return Refuse(key, std::is_integral_v<Value>
                               ? fmt::format("integers of 1 to {} would be right", kMaximum)
                               : fmt::format("numbers of 0 to {} would be right", kMaximum));
      }
      if (!IsPeftPattern(pattern)) {
        return Refuse(
            key, fmt::format("\"{}\" is no regular expression that is supported: nothing that looks ahead or "
                             "behind, no references to groups, at most 4096 bytes",
                             pattern));
      }
      values.emplace_back(pattern, value.template get<Value>());
    }
  }
  const Json& json() const { return json_; }

 private:
  static constexpr std::int64_t kMaximum = 1 << 24;
  static constexpr std::size_t kMostShown = 200;
  const Json& json_;
  std::string path_;
  Status status_;
};

void ReadTargets(Reader& reader, PeftLora& lora) {
  if (!reader.Has("target_modules") || reader.json()["target_modules"].is_string()) return;
  const Json& given = reader.json()["target_modules"];
  if (!given.is_array()) return reader.Refuse("target_modules", "a list of module names would be right");
  for (const Json& target : given) {
    if (!target.is_string()) return reader.Refuse("target_modules", "a list of module names would be right");
    lora.targets.push_back(target.get<std::string>());
  }
}

void ReadLora(Reader& reader, PeftLora& lora) {
  reader.Integer("r", lora.rank);
  reader.Number("lora_alpha", lora.alpha);
  reader.Number("lora_dropout", lora.dropout);
  if (lora.dropout < 0 || lora.dropout >= 1)
    reader.Refuse("lora_dropout", "a number from 0 to below 1 would be right");
  reader.Boolean("use_rslora", lora.use_rslora);
  reader.Pattern("rank_pattern", lora.rank_pattern);
  reader.Pattern("alpha_pattern", lora.alpha_pattern);
  ReadTargets(reader, lora);
  std::string bias = "none";
  reader.Text("bias", bias);
  if (bias != "none") reader.Refuse("bias", "not supported; T5 has no biases: \"none\" would be right");
  // Some initialisations move a part of the base's weights into the adapter: it then fits a changed base
  // only.
  const Json init = reader.json().value("init_lora_weights", Json(true));
  const std::set<std::string> harmless = {"gaussian", "orthogonal", "eva"};
  if (init.is_string() && !harmless.contains(init.get<std::string>())) {
    reader.Refuse("init_lora_weights", "not supported: it changes the base's weights; true would be right");
  }
  // A list of targets with exclusions, or by layer: the tensors tell which modules were meant.
  if (reader.Has("exclude_modules") || reader.Has("layers_to_transform")) lora.targets.clear();
}

void ReadPrompt(Reader& reader, PeftPrompt& prompt) {
  reader.Integer("num_virtual_tokens", prompt.tokens);
  if (reader.Has("token_dim")) reader.Integer("token_dim", prompt.token_dim);
  std::string init = "RANDOM";
  reader.Text("prompt_tuning_init", init);
  reader.Text("prompt_tuning_init_text", prompt.init_text);
  prompt.init = init == "TEXT" ? "text" : init == "SAMPLE_VOCAB" ? "vocabulary" : "random";
}

// The value of the first expression that fits.
template <typename Value>
Value Match(const std::vector<std::pair<std::string, Value>>& patterns, const std::string& module,
            Value otherwise) {
  for (const auto& [pattern, value] : patterns) {
    if (MatchesModule(pattern, module)) return value;
  }
  return otherwise;
}

}  // namespace

std::int64_t PeftLora::Rank(const std::string& module) const { return Match(rank_pattern, module, rank); }

double PeftLora::Scale(const std::string& module) const {
  const auto r = static_cast<double>(Rank(module));
  return Match(alpha_pattern, module, alpha) / (use_rslora ? std::sqrt(r) : r);
}

StatusOr<PeftConfig> ReadPeftConfig(const std::string& directory) {
  const std::string path = directory + "/adapter_config.json";
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return ParsePeftConfig(text, path);
}

StatusOr<PeftConfig> ParsePeftConfig(const std::string& text, const std::string& path) {
  if (text.size() > kMostBytes) {
    return InvalidArgument("{}: {} bytes; at most {} are read", path, text.size(), kMostBytes);
  }
  if (const auto strict = ParseJson(text); !strict.ok()) return Annotate(strict.status(), path);
  // Once more, with the keys in their order: the first pattern that matches counts.
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return InvalidArgument("{}: not a JSON object", path);
  Reader reader(json, path);
  std::string type;
  reader.Text("peft_type", type);
  PeftConfig config;
  if (type == "LORA") {
    config.type = PeftType::kLora;
    ReadLora(reader, config.lora);
  } else if (type == "PROMPT_TUNING") {
    config.type = PeftType::kPrompt;
    ReadPrompt(reader, config.prompt);
  } else {
    reader.Refuse("peft_type", "\"LORA\" or \"PROMPT_TUNING\" would be right");
  }
  std::string task = "SEQ_2_SEQ_LM";
  reader.Text("task_type", task);
  if (task != "SEQ_2_SEQ_LM") reader.Refuse("task_type", "\"SEQ_2_SEQ_LM\" would be right");
  const auto& known = config.type == PeftType::kLora ? kLoraKeys : kPromptKeys;
  for (const auto& [key, value] : json.items()) {
    if (known.contains(key) || kIgnored.contains(key) || IsNothing(value)) continue;
    reader.Refuse(key, "not supported");
  }
  RETURN_IF_ERROR(reader.status());
  return config;
}

}  // namespace lorikeet::text
