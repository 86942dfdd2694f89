#include "worker/trainer/adapter/prompt.h"

#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include <limits>

#include "common/files.h"
#include "worker/text/tokenizer.h"
#include "worker/trainer/files/folder.h"
#include "worker/trainer/files/tensor_files.h"

namespace lorikeet::trainer {
namespace {

constexpr const char* kName = "prompt_embeddings";

at::Tensor EmbeddingRows(const T5& model, const at::Tensor& ids) {
  const at::NoGradGuard no_grad;
  return model.parameters().at("shared.weight").index_select(0, ids.to(model.device())).to(at::kFloat);
}

}  // namespace

PromptAdapter::PromptAdapter(text::PeftPrompt config, const T5Config& model, const at::Tensor& rows)
    : config_(std::move(config)), model_(model), rows_(rows.detach().clone().set_requires_grad(true)) {
  parameters_[kName] = rows_;
}

Status PromptAdapter::Save(const std::string& directory, const std::string& base_model) const {
  const text::PeftBase base{base_model, model_.d_model, model_.num_heads, model_.num_layers};
  return WriteFolder(directory, [&](const std::string& folder) -> Status {
    RETURN_IF_ERROR(WriteFileAtomically(folder + "/adapter_config.json", text::ToJson(config_, base)));
    return WriteTensors(folder + "/adapter_model.safetensors", parameters_, at::kFloat);
  });
}

StatusOr<std::unique_ptr<Adapter>> CreatePrompt(const PromptSettings& settings, std::uint64_t seed,
                                                const std::string& tokenizer_directory, const T5& model) {
  const std::int64_t vocabulary = model.config().vocab_size;
  // Drawn on the CPU: a seed means the same prompt on every device.
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  at::Tensor rows;  // [tokens, D]
  if (settings.init == "random") {
    // As torch.nn.Embedding, which PEFT's prompts are, starts.
    rows = at::empty({settings.tokens, model.config().d_model}, at::kFloat).normal_(0, 1, generator);
  } else if (settings.init == "vocabulary") {
    rows = EmbeddingRows(model, at::empty({settings.tokens}, at::kLong).random_(0, vocabulary, generator));
  } else if (settings.init == "text") {
    ASSIGN_OR_RETURN(const auto tokenizer, text::Tokenizer::Load(tokenizer_directory));
    // With the closing </s>, and over again until there are enough: as PEFT does it.
    const std::vector<text::TokenId> ids =
        tokenizer->Encode(settings.init_text, std::numeric_limits<std::int64_t>::max());
    at::Tensor repeated = at::empty({settings.tokens}, at::kLong);
    for (std::int64_t i = 0; i < settings.tokens; ++i) {
      const text::TokenId id = ids[static_cast<std::size_t>(i) % ids.size()];
      if (id >= vocabulary) {
        return InvalidArgument("{}: token {} of init_text is past the model's vocab_size {}",
                               tokenizer_directory, id, vocabulary);
      }
      repeated[i] = id;
    }
    rows = EmbeddingRows(model, repeated);
  } else {
    return InvalidArgument("prompt init {}: random, vocabulary or text would be right", settings.init);
  }
  text::PeftPrompt config{settings.tokens, model.config().d_model, settings.init, settings.init_text};
  return std::unique_ptr<Adapter>(
      std::make_unique<PromptAdapter>(std::move(config), model.config(), rows.to(model.device())));
}

StatusOr<std::unique_ptr<Adapter>> LoadPrompt(const text::PeftPrompt& config,
                                              const std::map<std::string, at::Tensor>& tensors,
                                              const T5& model) {
  for (const auto& [name, tensor] : tensors) {
    if (name != kName) return InvalidArgument("{} is not part of a prompt; {} would be right", name, kName);
  }
  const auto found = tensors.find(kName);
  if (found == tensors.end()) return InvalidArgument("{} is missing", kName);
  const at::Tensor& stored = found->second;
  const std::int64_t d_model = model.config().d_model;
  const bool fits = stored.dim() == 2 && stored.size(1) == d_model &&
                    (stored.size(0) == config.tokens || stored.size(0) == 2 * config.tokens);
  if (!fits) {
    return InvalidArgument("{} is [{}], num_virtual_tokens {} on this model asks for [{}, {}] or [{}, {}]",
                           kName, fmt::join(stored.sizes(), ", "), config.tokens, config.tokens, d_model,
                           2 * config.tokens, d_model);
  }
  const at::Tensor rows =
      stored.narrow(0, 0, config.tokens).to(at::TensorOptions(model.device()).dtype(at::kFloat));
  return std::unique_ptr<Adapter>(std::make_unique<PromptAdapter>(config, model.config(), rows));
}

}  // namespace lorikeet::trainer
