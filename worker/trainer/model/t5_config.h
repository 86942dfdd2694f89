// config.json of a T5 model. Defaults are those of transformers' T5Config.
#pragma once

#include <cstdint>
#include <string>

#include "common/status.h"

namespace lorikeet::trainer {

struct T5Config {
  std::int64_t vocab_size = 32128;
  std::int64_t d_model = 512, d_kv = 64, d_ff = 2048, num_heads = 8;
  std::int64_t num_layers = 6, num_decoder_layers = 6;
  std::int64_t relative_attention_num_buckets = 32, relative_attention_max_distance = 128;
  double dropout_rate = 0.1, layer_norm_epsilon = 1e-6, initializer_factor = 1.0;
  bool gated = false;               // feed_forward_proj "gated-…": wi_0, wi_1 instead of wi
  std::string activation = "relu";  // relu, gelu_new
  bool tie_word_embeddings = true;
  bool scale_decoder_outputs = true;  // its key, where present; else tie_word_embeddings
  std::int64_t pad_token_id = 0, eos_token_id = 1, decoder_start_token_id = 0;
  friend bool operator==(const T5Config&, const T5Config&) = default;
};

// Reads `directory`/config.json; names the key that is missing, mistyped or not supported.
StatusOr<T5Config> ReadT5Config(const std::string& directory);
// The text of a config.json that transformers loads; carries tie_word_embeddings and scale_decoder_outputs
// both.
std::string ToJson(const T5Config& config, const std::string& dtype);

}  // namespace lorikeet::trainer
