#include "worker/trainer/train/loaded_model.h"

#include <filesystem>
#include <utility>

#include "worker/trainer/train/memory.h"

namespace lorikeet::trainer {

StatusOr<LoadedModel> LoadModel(const std::string& directory, const std::string& adapter_directory,
                                const LoadOptions& options) {
  std::error_code error;
  for (const std::string* needed : {&directory, &adapter_directory}) {
    if (needed == &adapter_directory && needed->empty()) continue;
    if (!std::filesystem::is_directory(*needed, error)) return NotFound("{}: no such directory", *needed);
  }
  ASSIGN_OR_RETURN(std::unique_ptr<text::Tokenizer> tokenizer, text::Tokenizer::Load(directory));
  return LoadModel(std::move(tokenizer), directory, adapter_directory, options);
}

StatusOr<LoadedModel> LoadModel(std::unique_ptr<text::Tokenizer> tokenizer, const std::string& directory,
                                const std::string& adapter_directory, const LoadOptions& options) {
  LoadedModel loaded;
  loaded.tokenizer = std::move(tokenizer);
  ASSIGN_OR_RETURN(loaded.model, T5::Load(directory, options));
  const std::int64_t rows = loaded.model->config().vocab_size;
  if (loaded.tokenizer->vocabulary_size() > rows) {
    return InvalidArgument(
        "{}: spiece.model does not fit the model: {} pieces and {} sentinels, but vocab_size is {}",
        directory, loaded.tokenizer->pieces(), text::Tokenizer::kSentinels, rows);
  }
  if (!adapter_directory.empty()) {
    ASSIGN_OR_RETURN(loaded.adapter, LoadAdapter(adapter_directory, *loaded.model));
  }
  return loaded;
}

StatusOr<LoadedModel> LoadTrialModel(const Trial& trial, std::unique_ptr<text::Tokenizer> tokenizer,
                                     at::Device device, at::ScalarType compute) {
  RETURN_IF_ERROR(CheckModelFits(trial, trial.model, compute));
  LoadOptions load;
  load.device = device;
  load.compute = compute;
  load.trainable = trial.method == Method::kFull;
  ASSIGN_OR_RETURN(LoadedModel loaded, LoadModel(std::move(tokenizer), trial.model, "", load));
  if (trial.method == Method::kLora || trial.method == Method::kPrompt) {
    ASSIGN_OR_RETURN(loaded.adapter, CreateAdapter(trial, *loaded.model));
  }
  return loaded;
}

}  // namespace lorikeet::trainer
