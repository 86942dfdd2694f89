// Which tensors a T5 checkpoint holds: names, shapes, and how transformers initialises them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "worker/trainer/model/t5.h"

namespace lorikeet::trainer {

struct ParameterSpec {
  std::vector<std::int64_t> shape;
  double deviation = 0;    // of the normal distribution that it starts from
  bool ones = false;       // starts as initializer_factor everywhere (layer norms)
  bool keep_fp32 = false;  // small and delicate: never stored in bf16 (layer norms, position biases)
};

// By checkpoint name. `own_head`: with an lm_head.weight of its own, not tied to shared.weight.
std::map<std::string, ParameterSpec> ParameterSpecs(const T5Config& config, bool own_head);

// What the parameters take in memory once they are placed, in bytes.
std::int64_t ParameterBytes(const T5Config& config, const LoadOptions& options);

// Makes a tensor what the model keeps: on its device, in its type, trainable or frozen.
at::Tensor Place(const at::Tensor& value, const ParameterSpec& spec, const LoadOptions& options);

// Reads the weights of `directory`: model.safetensors, or the shards of model.safetensors.index.json. Every
// tensor that is missing, extra or wrongly shaped is named, with both shapes. Known aliases are tolerated.
// Sets config.tie_word_embeddings by whether the head is stored.
StatusOr<std::map<std::string, at::Tensor>> LoadParameters(const std::string& directory, T5Config& config,
                                                           const LoadOptions& options);

std::map<std::string, at::Tensor> InitialParameters(const T5Config& config, std::uint64_t seed,
                                                    const LoadOptions& options);

}  // namespace lorikeet::trainer
