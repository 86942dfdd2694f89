// What LoRA or prompt tuning trains, beside a frozen T5. Saved and loaded in PEFT's own format.
//
// An adapter belongs to one trial and holds its trainable fp32 tensors; the model holds none of it, and is
// told which adapter to use by ForwardContext. Not thread-safe.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <memory>
#include <string>

#include "common/status.h"
#include "sweeps/trial/trial.h"
#include "worker/text/peft_config.h"
#include "worker/trainer/model/adapter_view.h"
#include "worker/trainer/model/t5.h"

namespace lorikeet::trainer {

class Adapter : public AdapterView {
 public:
  // Trainable tensors by the names PEFT saves them under ("base_model.model.encoder…q.lora_A.weight",
  // "prompt_embeddings"). fp32, requires_grad.
  virtual const std::map<std::string, at::Tensor>& parameters() const = 0;

  // adapter_config.json and adapter_model.safetensors; the folder appears whole or not at all.
  virtual Status Save(const std::string& directory, const std::string& base_model) const = 0;

  std::int64_t parameter_count() const;
};

// An adapter for the trial's method (kLora or kPrompt): the one that it names to start from, or a new one,
// initialised from its seed as PEFT does (kaiming-uniform lora_A, zero lora_B; prompt rows from random
// vocabulary rows, from a text's tokens, or normal).
StatusOr<std::unique_ptr<Adapter>> CreateAdapter(const Trial& trial, const T5& model);

// Reads a PEFT directory; what is not supported is refused by name (use_dora, modules_to_save, bias, …), and
// so is an adapter whose shapes do not fit the model.
StatusOr<std::unique_ptr<Adapter>> LoadAdapter(const std::string& directory, const T5& model);
// The tensors of `directory` under a configuration that has been read from there already.
StatusOr<std::unique_ptr<Adapter>> LoadAdapter(const std::string& directory, const text::PeftConfig& config,
                                               const T5& model);

// Folds LoRA into the model's parameters (W += alpha/rank · B·A). Refuses a prompt, and LoRA of a head that
// is tied.
Status MergeAdapter(const Adapter& adapter, T5& model);

}  // namespace lorikeet::trainer
