#include "worker/trainer/adapter/adapter.h"

#include <filesystem>

#include "worker/text/peft_config.h"
#include "worker/trainer/adapter/given_adapter.h"
#include "worker/trainer/adapter/lora.h"
#include "worker/trainer/adapter/prompt.h"
#include "worker/trainer/files/out_of_memory.h"
#include "worker/trainer/files/tensor_files.h"

namespace lorikeet::trainer {

std::int64_t Adapter::parameter_count() const {
  std::int64_t count = 0;
  for (const auto& [name, tensor] : parameters()) count += tensor.numel();
  return count;
}

StatusOr<std::unique_ptr<Adapter>> CreateAdapter(const Trial& trial, const T5& model) {
  if (!StartAdapter(trial).empty()) return LoadGivenAdapter(trial, model);
  const auto seed = static_cast<std::uint64_t>(trial.seed);
  try {
    if (trial.method == Method::kPrompt) return CreatePrompt(trial.prompt, seed, trial.model, model);
    if (trial.method != Method::kLora) {
      return InvalidArgument("{}: only lora and prompt train an adapter", trial.configuration);
    }
    for (const std::string& target : trial.lora.targets) {
      if (LoraAdapter::TargetedModules(model, {target}).empty()) {
        return InvalidArgument("{}: targets: this model has no layer {}; of its feed forward it has {}",
                               trial.model, target, model.config().gated ? "wi_0, wi_1 and wo" : "wi and wo");
      }
    }
    return CreateLora(trial.lora, seed, model);
  } catch (const std::exception& exception) {  // out of memory, on the device or here
    return Annotate(StatusOf(exception), trial.configuration);
  }
}

StatusOr<std::unique_ptr<Adapter>> LoadAdapter(const std::string& directory, const T5& model) {
  ASSIGN_OR_RETURN(const text::PeftConfig config, text::ReadPeftConfig(directory));
  return LoadAdapter(directory, config, model);
}

StatusOr<std::unique_ptr<Adapter>> LoadAdapter(const std::string& directory, const text::PeftConfig& config,
                                               const T5& model) {
  const std::string path = directory + "/adapter_model.safetensors";
  if (!std::filesystem::exists(path) && std::filesystem::exists(directory + "/adapter_model.bin")) {
    return InvalidArgument("{}: has adapter_model.bin alone; save the adapter as safetensors", directory);
  }
  try {
    ASSIGN_OR_RETURN(const auto tensors, ReadTensors(path));
    auto adapter = config.type == text::PeftType::kLora ? LoadLora(config.lora, tensors, model)
                                                        : LoadPrompt(config.prompt, tensors, model);
    if (!adapter.ok()) return Annotate(adapter.status(), path);
    return adapter;
  } catch (const std::exception& exception) {  // out of memory, on the device or here
    return Annotate(StatusOf(exception), path);
  }
}

Status MergeAdapter(const Adapter& adapter, T5& model) {
  const auto* lora = dynamic_cast<const LoraAdapter*>(&adapter);
  if (!lora) return InvalidArgument("a prompt cannot be folded into weights; only LoRA can");
  return lora->AddTo(model);
}

}  // namespace lorikeet::trainer
