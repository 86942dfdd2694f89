// A PEFT adapter_config.json: what is accepted has ranks and scales for every module of a T5, comes back when
// it is written, and is no other than what the sweep file's check takes it for.
#include <cmath>
#include <string>
#include <vector>

#include "common/files.h"
#include "sweeps/spec/file_checks.h"
#include "tests/fuzz/fuzz.h"
#include "worker/text/peft_config.h"

namespace lorikeet::fuzz {
namespace {

using text::PeftConfig;
using text::PeftType;

void CheckModules(const text::PeftLora& lora) {
  for (const char* const module :
       {"encoder.block.0.layer.0.SelfAttention.q", "decoder.block.11.layer.1.EncDecAttention.v",
        "decoder.block.0.layer.2.DenseReluDense.wi_0", "lm_head"}) {
    Require(lora.Rank(module) >= 1, "a rank is at least 1");
    Require(std::isfinite(lora.Scale(module)), "an update's scale is a number");
  }
}

PeftConfig Again(const std::string& text) {
  const StatusOr<PeftConfig> config = text::ParsePeftConfig(text, "written");
  RequireOk(config.status(), "a configuration is read as it was written");
  return *config;
}

void CheckWritten(const PeftConfig& config) {
  if (config.type == PeftType::kLora) {
    const PeftConfig again = Again(text::ToJson(config.lora, "base"));
    Require(again.type == PeftType::kLora && again.lora == config.lora, "LoRA's settings come back");
    return;
  }
  text::PeftPrompt prompt = config.prompt;
  prompt.token_dim = std::max<std::int64_t>(prompt.token_dim, 1);
  if (prompt.init != "text") prompt.init_text.clear();  // not of use then
  const PeftConfig again = Again(
      text::ToJson(prompt, {.name = "base", .d_model = prompt.token_dim, .num_heads = 8, .num_layers = 6}));
  Require(again.type == PeftType::kPrompt && again.prompt == prompt, "a prompt's settings come back");
}

// As `sweepctl submit` looks at the folder: the weights are missing there, and nothing else.
void CheckFolder(std::string_view input, const StatusOr<PeftConfig>& config) {
  static const Folder folder;
  RequireOk(WriteFileAtomically(folder.path() + "/adapter_config.json", input), "a file can be written");
  const std::vector<std::string> lora = spec::LoraAdapterMistakes(folder.path()),
                                 prompt = spec::PromptAdapterMistakes(folder.path());
  if (config.ok()) {
    const bool is_lora = config->type == PeftType::kLora;
    Require((is_lora ? lora : prompt).size() == 1 && (is_lora ? prompt : lora).size() == 2,
            "the sweep file's check takes an adapter for what it is");
  }
  Trial trial;
  trial.method = Method::kLora;
  trial.lora = {.rank = 4, .alpha = 8, .targets = {"q", "v"}, .dropout = 0, .adapter = folder.path()};
  const Status lora_fits = spec::CheckAdapterFits(trial);
  if (!lora_fits.ok()) RequireRefusal(lora_fits);
  trial.method = Method::kPrompt;
  trial.prompt = {.tokens = 5, .init = "vocabulary", .init_text = "", .adapter = folder.path()};
  const Status prompt_fits = spec::CheckAdapterFits(trial);
  if (!prompt_fits.ok()) RequireRefusal(prompt_fits);
}

}  // namespace

void TryInput(std::string_view input) {
  const StatusOr<PeftConfig> config = text::ParsePeftConfig(std::string(input), "adapter_config.json");
  CheckFolder(input, config);
  if (!config.ok()) return RequireRefusal(config.status(), "adapter_config.json: ");
  if (config->type == PeftType::kLora) CheckModules(config->lora);
  CheckWritten(*config);
}

}  // namespace lorikeet::fuzz
