// A model directory, ready for use: the weights and the tokenizer that belongs to them.
#pragma once

#include <memory>
#include <string>

#include "common/status.h"
#include "sweeps/trial/trial.h"
#include "worker/text/tokenizer.h"
#include "worker/trainer/adapter/adapter.h"
#include "worker/trainer/model/t5.h"

namespace lorikeet::trainer {

struct LoadedModel {
  std::unique_ptr<text::Tokenizer> tokenizer;
  std::unique_ptr<T5> model;
  std::unique_ptr<Adapter> adapter;  // null without one
};

// NotFound names a missing directory; a tokenizer with more ids than the model has rows is refused.
// `adapter_directory` may be empty.
StatusOr<LoadedModel> LoadModel(const std::string& directory, const std::string& adapter_directory,
                                const LoadOptions& options);
// The same with the directory's tokenizer, which the caller has opened or loaded.
StatusOr<LoadedModel> LoadModel(std::unique_ptr<text::Tokenizer> tokenizer, const std::string& directory,
                                const std::string& adapter_directory, const LoadOptions& options);

// What a trial begins with: its base model, trainable with full fine-tuning, and the adapter of its method,
// new or the one that it names. ResourceExhausted where the trial's resources.memory, set as the process's
// limit (memory.h), cannot hold it.
StatusOr<LoadedModel> LoadTrialModel(const Trial& trial, std::unique_ptr<text::Tokenizer> tokenizer,
                                     at::Device device, at::ScalarType compute);

}  // namespace lorikeet::trainer
