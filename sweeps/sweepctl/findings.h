// What is to be known of a sweep before it runs: what will fail, and what merely looks wrong.
//
// Pure but for ModelName, which reads config.json; thread-safe. `data` and `work` are what `sweep-trainer
// preflight` prints under these names (docs/trainer.md).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sweeps/spec/spec.h"

namespace lorikeet::sweepctl {

struct Findings {
  std::vector<std::string> failures, warnings;
};

// The base model's name as its config.json has it, and its folder's: where a family can be told from.
std::string ModelName(const std::string& folder);

// Of the settings alone: learning rates of prompts that will not move, a prefix that the model was taught.
void AddSettingsFindings(const spec::Sweep& sweep, const std::string& model_name, Findings& findings);
// Of the documents: what is cut, what comes twice, what cannot be as long as the references.
void AddDataFindings(const spec::Sweep& sweep, const nlohmann::ordered_json& data, Findings& findings);
// Of a configuration that was tried: what memory left room for.
void AddWorkFindings(const spec::Configuration& configuration, const nlohmann::ordered_json& work,
                     Findings& findings);

}  // namespace lorikeet::sweepctl
