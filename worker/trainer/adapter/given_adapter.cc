#include "worker/trainer/adapter/given_adapter.h"

#include <algorithm>
#include <filesystem>

#include "worker/text/peft_config.h"

namespace lorikeet::trainer {
namespace {

template <typename Value>
Status Differs(const std::string& directory, const char* key, const Value& asked, const Value& has) {
  return InvalidArgument("{}: has {} {}, and the trial says {}: leave it out, or say the same", directory,
                         key, has, asked);
}

Status CheckLora(const LoraSettings& asked, const text::PeftLora& given, const std::string& directory) {
  if (asked.rank != 0 && asked.rank != given.rank) return Differs(directory, "rank", asked.rank, given.rank);
  if (asked.alpha != 0 && asked.alpha != given.alpha)
    return Differs(directory, "alpha", asked.alpha, given.alpha);
  std::vector<std::string> ours = asked.targets, theirs = given.targets;
  std::sort(ours.begin(), ours.end());
  std::sort(theirs.begin(), theirs.end());
  // A pattern in place of a list says nothing that can be compared.
  if (!ours.empty() && !theirs.empty() && ours != theirs) {
    return Differs(directory, "targets", fmt::format("[{}]", fmt::join(ours, ", ")),
                   fmt::format("[{}]", fmt::join(theirs, ", ")));
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<Adapter>> LoadGivenAdapter(const Trial& trial, const T5& model) {
  const std::string& directory = StartAdapter(trial);
  if (!std::filesystem::is_directory(directory)) {
    return NotFound("{}: no such directory; the trial's adapter is a PEFT directory", directory);
  }
  ASSIGN_OR_RETURN(text::PeftConfig config, text::ReadPeftConfig(directory));
  const bool lora = trial.method == Method::kLora;
  if ((config.type == text::PeftType::kLora) != lora) {
    return InvalidArgument("{}: is {}, and the trial trains {}", directory, lora ? "a prompt" : "LoRA",
                           lora ? "LoRA" : "a prompt");
  }
  if (lora) {
    RETURN_IF_ERROR(CheckLora(trial.lora, config.lora, directory));
    config.lora.dropout = trial.lora.dropout;
  } else if (trial.prompt.tokens != 0 && trial.prompt.tokens != config.prompt.tokens) {
    return Differs(directory, "tokens", trial.prompt.tokens, config.prompt.tokens);
  }
  return LoadAdapter(directory, config, model);
}

}  // namespace lorikeet::trainer
