// Whether the model and the data that a sweep file names are on this machine.
//
// Reads names and the small JSON files of a model's folder, never weights or documents. Thread-safe.
#pragma once

#include <string>
#include <vector>

namespace lorikeet::spec {

// What keeps `folder` from being a T5 in Hugging Face's layout, each with what would be right; empty where
// nothing does: config.json, safetensors (every shard that the index names), spiece.model.
std::vector<std::string> ModelMistakes(const std::string& folder);

// The same of a data file: it is there, can be read, and holds something.
std::vector<std::string> DataFileMistakes(const std::string& file);

}  // namespace lorikeet::spec
