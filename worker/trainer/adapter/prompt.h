// Prompt tuning (Lester et al., 2021): trained rows put before the embeddings of the source.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "worker/text/peft_config.h"
#include "worker/trainer/adapter/adapter.h"

namespace lorikeet::trainer {

// Not thread-safe.
class PromptAdapter : public Adapter {
 public:
  // rows: [num_virtual_tokens, D] fp32, on the model's device.
  PromptAdapter(text::PeftPrompt config, const T5Config& model, const at::Tensor& rows);

  const std::map<std::string, at::Tensor>& parameters() const override { return parameters_; }
  at::Tensor Delta(const std::string&, const at::Tensor&, DropoutStream*) const override { return {}; }
  LowRank UpdateOf(const std::string&) const override { return {}; }
  at::Tensor Prompt() const override { return rows_; }
  // PEFT's default for T5 keeps twice the rows and uses the first half; ours says so in
  // num_transformer_submodules and keeps the rows that are used. PEFT loads both.
  Status Save(const std::string& directory, const std::string& base_model) const override;

 private:
  text::PeftPrompt config_;
  T5Config model_;
  at::Tensor rows_;
  std::map<std::string, at::Tensor> parameters_;
};

// `tokenizer_directory` is read with init: text only.
StatusOr<std::unique_ptr<Adapter>> CreatePrompt(const PromptSettings& settings, std::uint64_t seed,
                                                const std::string& tokenizer_directory, const T5& model);
// `tensors`: what adapter_model.safetensors holds: num_virtual_tokens rows, or twice as many.
StatusOr<std::unique_ptr<Adapter>> LoadPrompt(const text::PeftPrompt& config,
                                              const std::map<std::string, at::Tensor>& tensors,
                                              const T5& model);

}  // namespace lorikeet::trainer
