#include "worker/trainer/model/t5.h"

#include <cmath>

#include "common/files.h"
#include "worker/trainer/files/folder.h"
#include "worker/trainer/files/out_of_memory.h"
#include "worker/trainer/files/tensor_files.h"
#include "worker/trainer/model/adapter_view.h"
#include "worker/trainer/model/parameters.h"
#include "worker/trainer/model/stack.h"
#include "worker/trainer/model/step_decoding.h"

namespace lorikeet::trainer {

struct T5::Impl {
  Impl(const T5Config& given, const LoadOptions& options, std::map<std::string, at::Tensor> tensors)
      : config(given),
        device(options.device),
        compute(options.compute),
        parameters(std::move(tensors)),
        shared(parameters.at("shared.weight")),
        head{"lm_head", config.tie_word_embeddings ? shared : parameters.at("lm_head.weight")},
        encoder(BuildStack("encoder", config, compute, parameters)),
        decoder(BuildStack("decoder", config, compute, parameters)) {}

  // tokens [B, n] to [B, n, D] fp32: the residual stream starts here.
  at::Tensor Embed(const at::Tensor& tokens) const { return at::embedding(shared, tokens).to(at::kFloat); }

  // What the head is applied to.
  at::Tensor ForHead(const at::Tensor& hidden) const;

  const T5Config config;
  const at::Device device;
  const at::ScalarType compute;
  const std::map<std::string, at::Tensor> parameters;
  const at::Tensor shared;  // [V, D]
  const Linear head;        // [V, D]
  const Stack encoder, decoder;
};

T5::T5(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
T5::~T5() = default;

StatusOr<std::unique_ptr<T5>> T5::Load(const std::string& directory, const LoadOptions& options) {
  try {
    ASSIGN_OR_RETURN(T5Config config, ReadT5Config(directory));
    ASSIGN_OR_RETURN(auto parameters, LoadParameters(directory, config, options));
    return std::unique_ptr<T5>(new T5(std::make_unique<Impl>(config, options, std::move(parameters))));
  } catch (const std::exception& exception) {  // out of memory, on the device or here
    return Annotate(StatusOf(exception), directory);
  }
}

std::unique_ptr<T5> T5::Initialize(const T5Config& config, std::uint64_t seed, const LoadOptions& options) {
  auto parameters = InitialParameters(config, seed, options);
  return std::unique_ptr<T5>(new T5(std::make_unique<Impl>(config, options, std::move(parameters))));
}

Status T5::Save(const std::string& directory, const std::string& tokenizer_directory,
                at::ScalarType dtype) const {
  auto spiece = ReadFile(tokenizer_directory + "/spiece.model");
  RETURN_IF_ERROR(spiece.status());
  return WriteFolder(directory, [&](const std::string& folder) -> Status {
    RETURN_IF_ERROR(WriteFileAtomically(folder + "/config.json", ToJson(config(), DtypeName(dtype))));
    const std::string generation = fmt::format(
        "{{\n  \"_from_model_config\": true,\n  \"decoder_start_token_id\": {},\n  \"eos_token_id\": {},\n"
        "  \"pad_token_id\": {}\n}}\n",
        config().decoder_start_token_id, config().eos_token_id, config().pad_token_id);
    RETURN_IF_ERROR(WriteFileAtomically(folder + "/generation_config.json", generation));
    RETURN_IF_ERROR(WriteFileAtomically(folder + "/spiece.model", *spiece));
    return WriteTensors(folder + "/model.safetensors", parameters(), dtype);
  });
}

const T5Config& T5::config() const { return impl_->config; }
at::Device T5::device() const { return impl_->device; }
at::ScalarType T5::compute() const { return impl_->compute; }
const std::map<std::string, at::Tensor>& T5::parameters() const { return impl_->parameters; }

std::int64_t T5::parameter_count() const {
  std::int64_t count = 0;
  for (const auto& [name, tensor] : parameters()) count += tensor.numel();
  return count;
}

EncoderOutput T5::Encode(const at::Tensor& source, const at::Tensor& mask,
                         const ForwardContext& context) const {
  at::Tensor embedded = impl_->Embed(source);  // [B, S, D]
  at::Tensor seen = mask;
  const at::Tensor prompt = context.adapter ? context.adapter->Prompt() : at::Tensor();  // [P, D]
  if (prompt.defined()) {
    const std::int64_t batch = source.size(0), tokens = prompt.size(0);
    embedded = at::cat({prompt.unsqueeze(0).expand({batch, tokens, -1}), embedded}, 1);
    seen = at::cat({mask.new_ones({batch, tokens}), mask}, 1);
  }
  return {RunEncoder(impl_->encoder, embedded, seen, context), seen};
}

at::Tensor T5::Decode(const at::Tensor& decoder_input, const EncoderOutput& encoder,
                      const ForwardContext& context) const {
  return RunDecoder(impl_->decoder, impl_->Embed(decoder_input), encoder, context);
}

at::Tensor T5::Impl::ForHead(const at::Tensor& hidden) const {
  return config.scale_decoder_outputs ? hidden * std::pow(static_cast<double>(config.d_model), -0.5) : hidden;
}

at::Tensor T5::Logits(const at::Tensor& hidden, const ForwardContext& context) const {
  return Apply(impl_->head, impl_->ForHead(hidden).to(compute()), context);
}

TokenLosses T5::LossesOf(const at::Tensor& hidden, const at::Tensor& real, const at::Tensor& labels,
                         const ForwardContext& context) const {
  if (context.adapter && context.adapter->UpdateOf(impl_->head.name).a.defined()) {
    // Padding too: LoRA's dropout draws by document and position.
    return SumTokenLosses(Logits(hidden, context).flatten(0, 1).index_select(0, real), labels);
  }
  return SumTokenLosses(impl_->ForHead(hidden.flatten(0, 1).index_select(0, real)), impl_->head.weight,
                        labels, compute());
}

std::unique_ptr<Decoding> T5::StartDecoding(const EncoderOutput& encoder, const ForwardContext& context,
                                            DecodingKind kind) const {
  const DecodedModel model{
      impl_->decoder, impl_->shared, impl_->head,
      config().scale_decoder_outputs ? std::pow(static_cast<double>(config().d_model), -0.5) : 1.0};
  const bool steps = kind == DecodingKind::kFastest ? device().is_cpu() : kind == DecodingKind::kSteps;
  return steps ? StartStepDecoding(model, encoder, context) : StartTensorDecoding(model, encoder, context);
}

}  // namespace lorikeet::trainer
