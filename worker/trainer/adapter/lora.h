// LoRA (Hu et al., 2021): W x becomes W x + scale · B A dropout(x), with A and B trained and W frozen.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "worker/text/peft_config.h"
#include "worker/trainer/adapter/adapter.h"

namespace lorikeet::trainer {

// Not thread-safe.
class LoraAdapter : public Adapter {
 public:
  // Names of the base's linear layers that `targets` names ("q": every …SelfAttention.q, …EncDecAttention.q).
  // The head is "lm_head"; the embeddings are none of them.
  static std::vector<std::string> TargetedModules(const T5& model, const std::vector<std::string>& targets);

  // `tensors` by PEFT's names: a lora_A [rank, in] and a lora_B [out, rank] for each adapted module; fp32, on
  // the model's device. The caller has checked names and shapes.
  LoraAdapter(text::PeftLora config, std::map<std::string, at::Tensor> tensors);

  const std::map<std::string, at::Tensor>& parameters() const override { return parameters_; }
  at::Tensor Delta(const std::string& name, const at::Tensor& x, DropoutStream* dropout) const override;
  LowRank UpdateOf(const std::string& name) const override;
  at::Tensor Prompt() const override { return {}; }
  Status Save(const std::string& directory, const std::string& base_model) const override;

  // Adds each module's scale · B A to its weight, in fp32. Refuses a head that is tied to the embeddings.
  Status AddTo(const T5& model) const;

 private:
  text::PeftLora config_;
  std::map<std::string, at::Tensor> parameters_;
  std::unordered_map<std::string, LowRank> modules_;
};

// "base_model.model.<module>.lora_A.weight", and of lora_B.
std::string LoraName(const std::string& module, char matrix);

std::unique_ptr<Adapter> CreateLora(const LoraSettings& settings, std::uint64_t seed, const T5& model);
// `tensors`: what adapter_model.safetensors holds. Names what is missing, extra, or of another shape.
StatusOr<std::unique_ptr<Adapter>> LoadLora(const text::PeftLora& config,
                                            const std::map<std::string, at::Tensor>& tensors,
                                            const T5& model);

}  // namespace lorikeet::trainer
