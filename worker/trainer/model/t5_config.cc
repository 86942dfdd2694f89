#include "worker/trainer/model/t5_config.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "common/files.h"

namespace lorikeet::trainer {
namespace {

using Json = nlohmann::ordered_json;

// Reads keys of one object; the first mistake is kept in `status`, naming file and key.
class Keys {
 public:
  Keys(const Json& json, std::string path) : json_(json), path_(std::move(path)) {}

  const Status& status() const { return status_; }
  bool Has(const char* key) const { return json_.contains(key) && !json_[key].is_null(); }

  void Integer(const char* key, std::int64_t minimum, std::int64_t& value) {
    if (!Has(key)) return;
    const Json& given = json_[key];
    // Dimensions stay small enough that no product of two of them overflows.
    constexpr std::int64_t kMaximum = std::numeric_limits<std::int32_t>::max();
    if (!given.is_number_integer() || given < minimum || given > kMaximum) {
      return Refuse(key, fmt::format("an integer of {} to {}", minimum, kMaximum));
    }
    value = given.get<std::int64_t>();
  }
  void Number(const char* key, double minimum, double maximum, double& value) {
    if (!Has(key)) return;
    if (!json_[key].is_number() || json_[key] < minimum || json_[key] > maximum) {
      return Refuse(key, fmt::format("a number from {} to {}", minimum, maximum));
    }
    value = json_[key].get<double>();
  }
  void Boolean(const char* key, bool& value) {
    if (!Has(key)) return;
    if (!json_[key].is_boolean()) return Refuse(key, "true or false");
    value = json_[key].get<bool>();
  }
  void Text(const char* key, std::string& value) {
    if (!Has(key)) return;
    if (!json_[key].is_string()) return Refuse(key, "a string");
    value = json_[key].get<std::string>();
  }
  void Refuse(const char* key, const std::string& right) {
    if (!status_.ok()) return;
    const std::string given = Has(key) ? json_[key].dump() : "nothing";
    status_ = InvalidArgument("{}: {}: {} given, {} would be right", path_, key, given, right);
  }

 private:
  const Json& json_;
  std::string path_;
  Status status_;
};

void ReadFeedForward(Keys& keys, T5Config& config) {
  std::string projection = "relu";
  keys.Text("feed_forward_proj", projection);
  constexpr std::string_view kGated = "gated-";
  config.gated = projection.starts_with(kGated);
  config.activation = config.gated ? projection.substr(kGated.size()) : projection;
  // transformers keeps this reading of "gated-gelu" for the v1.1 checkpoints: the tanh approximation.
  if (projection == "gated-gelu") config.activation = "gelu_new";
  if (config.activation != "relu" && config.activation != "gelu_new") {
    keys.Refuse("feed_forward_proj", "relu, gelu_new, gated-relu, gated-gelu or gated-gelu_new");
  }
}

}  // namespace

StatusOr<T5Config> ReadT5Config(const std::string& directory) {
  const std::string path = directory + "/config.json";
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return InvalidArgument("{}: not a JSON object", path);

  Keys keys(json, path);
  T5Config config;
  std::string model_type;
  keys.Text("model_type", model_type);
  if (model_type != "t5") keys.Refuse("model_type", "\"t5\"");
  keys.Integer("vocab_size", 1, config.vocab_size);
  keys.Integer("d_model", 1, config.d_model);
  keys.Integer("d_kv", 1, config.d_kv);
  keys.Integer("d_ff", 1, config.d_ff);
  keys.Integer("num_heads", 1, config.num_heads);
  keys.Integer("num_layers", 1, config.num_layers);
  config.num_decoder_layers = config.num_layers;
  keys.Integer("num_decoder_layers", 1, config.num_decoder_layers);
  // Half of the encoder's buckets are for each direction, and half of those for exact distances.
  keys.Integer("relative_attention_num_buckets", 4, config.relative_attention_num_buckets);
  keys.Integer("relative_attention_max_distance", 1, config.relative_attention_max_distance);
  if (config.relative_attention_max_distance <= config.relative_attention_num_buckets / 2) {
    keys.Refuse("relative_attention_max_distance", "more than half of relative_attention_num_buckets");
  }
  keys.Number("dropout_rate", 0, 0.999, config.dropout_rate);
  keys.Number("layer_norm_epsilon", 0, 1, config.layer_norm_epsilon);
  keys.Number("initializer_factor", 0, 1e6, config.initializer_factor);
  ReadFeedForward(keys, config);
  keys.Boolean("tie_word_embeddings", config.tie_word_embeddings);
  config.scale_decoder_outputs = config.tie_word_embeddings;
  keys.Boolean("scale_decoder_outputs", config.scale_decoder_outputs);
  keys.Integer("pad_token_id", 0, config.pad_token_id);
  keys.Integer("eos_token_id", 0, config.eos_token_id);
  config.decoder_start_token_id = config.pad_token_id;
  keys.Integer("decoder_start_token_id", 0, config.decoder_start_token_id);
  const std::pair<const char*, std::int64_t> ids[] = {
      {"pad_token_id", config.pad_token_id},
      {"eos_token_id", config.eos_token_id},
      {"decoder_start_token_id", config.decoder_start_token_id}};
  for (const auto& [key, id] : ids) {
    if (id >= config.vocab_size)
      keys.Refuse(key, fmt::format("an id below vocab_size {}", config.vocab_size));
  }
  RETURN_IF_ERROR(keys.status());
  return config;
}

std::string ToJson(const T5Config& config, const std::string& dtype) {
  // As transformers spells it: "gated-gelu" is what it reads as gelu_new.
  const std::string projection =
      config.gated ? (config.activation == "gelu_new" ? "gated-gelu" : "gated-" + config.activation)
                   : config.activation;
  const Json json = {
      {"architectures", {"T5ForConditionalGeneration"}},
      {"model_type", "t5"},
      {"vocab_size", config.vocab_size},
      {"d_model", config.d_model},
      {"d_kv", config.d_kv},
      {"d_ff", config.d_ff},
      {"num_layers", config.num_layers},
      {"num_decoder_layers", config.num_decoder_layers},
      {"num_heads", config.num_heads},
      {"relative_attention_num_buckets", config.relative_attention_num_buckets},
      {"relative_attention_max_distance", config.relative_attention_max_distance},
      {"dropout_rate", config.dropout_rate},
      {"layer_norm_epsilon", config.layer_norm_epsilon},
      {"initializer_factor", config.initializer_factor},
      {"feed_forward_proj", projection},
      {"is_encoder_decoder", true},
      {"use_cache", true},
      {"tie_word_embeddings", config.tie_word_embeddings},
      {"scale_decoder_outputs", config.scale_decoder_outputs},
      {"pad_token_id", config.pad_token_id},
      {"eos_token_id", config.eos_token_id},
      {"decoder_start_token_id", config.decoder_start_token_id},
      {"dtype", dtype},
  };
  return json.dump(2) + "\n";
}

}  // namespace lorikeet::trainer
