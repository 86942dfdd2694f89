// Whether the model and the data that a sweep file names are on this machine.
//
// Reads names and the small JSON files of a model's folder, never weights or documents. Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "common/status.h"
#include "sweeps/trial/trial.h"

namespace lorikeet::spec {

// What keeps `folder` from being a T5 in Hugging Face's layout, each with what would be right; empty where
// nothing does: config.json, safetensors (every shard that the index names), spiece.model.
std::vector<std::string> ModelMistakes(const std::string& folder);

// The same of a data file: it is there, can be read, and holds something.
std::vector<std::string> DataFileMistakes(const std::string& file);

// The same of a PEFT adapter's folder, of LoRA or of a prompt.
std::vector<std::string> LoraAdapterMistakes(const std::string& folder);
std::vector<std::string> PromptAdapterMistakes(const std::string& folder);

// Whether the adapter that the trial starts from has the rank, alpha, targets or tokens that the trial says;
// OK without an adapter, or where that cannot be seen from its configuration alone. Each mistake on its line.
Status CheckAdapterFits(const Trial& trial);

}  // namespace lorikeet::spec
