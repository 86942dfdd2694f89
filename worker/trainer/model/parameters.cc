#include "worker/trainer/model/parameters.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <set>

#include "worker/trainer/files/tensor_files.h"

namespace lorikeet::trainer {
namespace {

constexpr const char* kShared = "shared.weight";
constexpr const char* kHead = "lm_head.weight";
// Other names of shared.weight that transformers' files carry, and a table that old files carry and nothing
// uses.
constexpr const char* kEmbeddingAliases[] = {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight"};
constexpr const char* kUnusedBias = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight";

class SpecBuilder {
 public:
  SpecBuilder(const T5Config& config, std::map<std::string, ParameterSpec>& specs)
      : config_(config), specs_(specs) {}

  void Matrix(const std::string& name, std::int64_t rows, std::int64_t columns, double deviation) {
    specs_[name + ".weight"] = {.shape = {rows, columns},
                                .deviation = config_.initializer_factor * deviation};
  }
  void Norm(const std::string& name) {
    specs_[name + ".weight"] = {.shape = {config_.d_model}, .ones = true, .keep_fp32 = true};
  }
  void Attention(const std::string& layer, const std::string& kind, bool relative_attention_bias) {
    const std::string name = layer + "." + kind;
    const auto d_model = static_cast<double>(config_.d_model), d_kv = static_cast<double>(config_.d_kv);
    const std::int64_t inner = config_.num_heads * config_.d_kv;
    Matrix(name + ".q", inner, config_.d_model, std::pow(d_model * d_kv, -0.5));
    Matrix(name + ".k", inner, config_.d_model, std::pow(d_model, -0.5));
    Matrix(name + ".v", inner, config_.d_model, std::pow(d_model, -0.5));
    Matrix(name + ".o", config_.d_model, inner, std::pow(static_cast<double>(inner), -0.5));
    if (relative_attention_bias) {
      Matrix(name + ".relative_attention_bias", config_.relative_attention_num_buckets, config_.num_heads,
             std::pow(d_model, -0.5));
      specs_[name + ".relative_attention_bias.weight"].keep_fp32 = true;
    }
    Norm(layer + ".layer_norm");
  }
  void FeedForward(const std::string& layer) {
    const std::string name = layer + ".DenseReluDense";
    const double into = std::pow(static_cast<double>(config_.d_model), -0.5);
    for (const char* wi : config_.gated ? std::vector{".wi_0", ".wi_1"} : std::vector{".wi"}) {
      Matrix(name + wi, config_.d_ff, config_.d_model, into);
    }
    Matrix(name + ".wo", config_.d_model, config_.d_ff, std::pow(static_cast<double>(config_.d_ff), -0.5));
    Norm(layer + ".layer_norm");
  }

 private:
  const T5Config& config_;
  std::map<std::string, ParameterSpec>& specs_;
};

std::string Shape(at::IntArrayRef shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

at::ScalarType StoredType(const ParameterSpec& spec, const LoadOptions& options) {
  return options.trainable || spec.keep_fp32 ? at::kFloat : options.compute;
}

// Moves shared.weight's aliases out of the way; one stands in where the name itself is missing. As
// transformers ties weights: the head too is an alias where it holds the same values, or where nothing else
// holds the embeddings.
Status ResolveAliases(const T5Config& config, std::map<std::string, at::Tensor>& read) {
  for (const char* alias : kEmbeddingAliases) {
    const auto found = read.find(alias);
    if (found == read.end()) continue;
    const at::Tensor tensor = found->second;
    read.erase(found);
    if (tensor.sizes() != at::IntArrayRef{config.vocab_size, config.d_model}) {
      return InvalidArgument("{} is {}, config.json asks for {}", alias, Shape(tensor.sizes()),
                             Shape({config.vocab_size, config.d_model}));
    }
    const at::Tensor& shared = read.emplace(kShared, tensor).first->second;
    if (shared.sizes() == tensor.sizes() && !at::equal(shared, tensor.to(shared.scalar_type()))) {
      return InvalidArgument("{} holds other values than {}: embeddings of a stack's own are not supported",
                             alias, kShared);
    }
  }
  if (const auto head = read.find(kHead); head != read.end()) {
    const at::Tensor tensor = head->second;
    const at::Tensor& shared = read.emplace(kShared, tensor).first->second;
    if (shared.sizes() == tensor.sizes() && at::equal(shared, tensor.to(shared.scalar_type())))
      read.erase(kHead);
  }
  read.erase(kUnusedBias);
  return {};
}

}  // namespace

std::map<std::string, ParameterSpec> ParameterSpecs(const T5Config& config, bool own_head) {
  std::map<std::string, ParameterSpec> specs;
  SpecBuilder builder(config, specs);
  builder.Matrix("shared", config.vocab_size, config.d_model, 1.0);
  if (own_head) builder.Matrix("lm_head", config.vocab_size, config.d_model, 1.0);
  for (std::int64_t i = 0; i < config.num_layers; ++i) {
    const std::string layer = fmt::format("encoder.block.{}.layer.", i);
    builder.Attention(layer + "0", "SelfAttention", i == 0);
    builder.FeedForward(layer + "1");
  }
  for (std::int64_t i = 0; i < config.num_decoder_layers; ++i) {
    const std::string layer = fmt::format("decoder.block.{}.layer.", i);
    builder.Attention(layer + "0", "SelfAttention", i == 0);
    builder.Attention(layer + "1", "EncDecAttention", false);
    builder.FeedForward(layer + "2");
  }
  builder.Norm("encoder.final_layer_norm");
  builder.Norm("decoder.final_layer_norm");
  return specs;
}

std::int64_t ParameterBytes(const T5Config& config, const LoadOptions& options) {
  std::int64_t bytes = 0;
  for (const auto& [name, spec] : ParameterSpecs(config, !config.tie_word_embeddings)) {
    std::int64_t values = 1;
    for (const std::int64_t size : spec.shape) values *= size;
    bytes += values * static_cast<std::int64_t>(at::elementSize(StoredType(spec, options)));
  }
  return bytes;
}

at::Tensor Place(const at::Tensor& value, const ParameterSpec& spec, const LoadOptions& options) {
  const at::ScalarType type = StoredType(spec, options);
  // What is trained must not alias the file's memory; what is frozen may, and trials share it.
  at::Tensor placed =
      value.detach().to(value.options().dtype(type).device(options.device), /*non_blocking=*/false,
                        /*copy=*/options.trainable);
  return placed.set_requires_grad(options.trainable);
}

StatusOr<std::map<std::string, at::Tensor>> LoadParameters(const std::string& directory, T5Config& config,
                                                           const LoadOptions& options) {
  auto read = ReadCheckpoint(directory);
  RETURN_IF_ERROR(read.status());
  RETURN_IF_ERROR(Annotate(ResolveAliases(config, *read), directory));

  config.tie_word_embeddings = !read->contains(kHead);
  const auto specs = ParameterSpecs(config, !config.tie_word_embeddings);
  std::vector<std::string> mistakes;
  std::map<std::string, at::Tensor> parameters;
  for (const auto& [name, spec] : specs) {
    const auto found = read->find(name);
    if (found == read->end()) {
      mistakes.push_back(fmt::format("{} is missing, config.json asks for {}", name, Shape(spec.shape)));
    } else if (found->second.sizes() != at::IntArrayRef(spec.shape)) {
      mistakes.push_back(fmt::format("{} is {}, config.json asks for {}", name, Shape(found->second.sizes()),
                                     Shape(spec.shape)));
    } else if (mistakes.empty()) {
      parameters[name] = Place(found->second, spec, options);
      // Let go of at once, so that a model is not held twice. The name stays, for the check below.
      found->second = at::empty({0});
    }
  }
  for (const auto& [name, tensor] : *read) {
    if (specs.contains(name)) continue;
    mistakes.push_back(fmt::format("{} {} is not part of this T5", name, Shape(tensor.sizes())));
  }
  if (mistakes.empty()) return parameters;
  constexpr std::size_t kShown = 8;
  const std::size_t more = mistakes.size() > kShown ? mistakes.size() - kShown : 0;
  mistakes.resize(mistakes.size() - more);
  return InvalidArgument("{}: {}{}", directory, fmt::join(mistakes, "; "),
                         more ? fmt::format("; and {} more", more) : "");
}

std::map<std::string, at::Tensor> InitialParameters(const T5Config& config, std::uint64_t seed,
                                                    const LoadOptions& options) {
  // Drawn on the CPU, in the names' order: a seed means the same weights on every device.
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  std::map<std::string, at::Tensor> parameters;
  for (const auto& [name, spec] : ParameterSpecs(config, !config.tie_word_embeddings)) {
    at::Tensor value = at::empty(spec.shape, at::kFloat);
    if (spec.ones) {
      value.fill_(config.initializer_factor);
    } else {
      value.normal_(0, spec.deviation, generator);
    }
    parameters[name] = Place(value, spec, options);
  }
  return parameters;
}

}  // namespace lorikeet::trainer
