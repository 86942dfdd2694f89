// A model directory, ready for use: the weights and the tokenizer that belongs to them.
#pragma once

#include <memory>
#include <string>

#include "common/status.h"
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

}  // namespace lorikeet::trainer
