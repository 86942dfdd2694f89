// The sections of a sweep file that are the same for every trial: data, evaluate, resources, and small ones.
//
// Not thread-safe. Every reader reports what is wrong and fills in the rest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/labels.h"
#include "sweeps/spec/reader.h"
#include "sweeps/spec/spec.h"
#include "sweeps/trial/trial.h"

namespace lorikeet::spec {

// How paths are read: resolved against `folder`, and looked for where `check` says so.
struct PathRules {
  std::string folder;
  Environment environment;
  bool check = false;
};

// The path's absolute form; nothing (reported) where it is no path. Where the rules say so, `mistakes_of`
// looks whether what is there is right.
std::optional<std::string> ReadPath(const Value& value, const std::string& right, const PathRules& rules,
                                    std::vector<std::string> (*mistakes_of)(const std::string&));
// A sweep's name: what can stand in file names and URLs, and is no id.
std::optional<std::string> ReadSweepName(const Value& value);
std::string ReadModel(const Value& value, const PathRules& rules);
DataSettings ReadData(const Value& value, const PathRules& rules);
// `verdict`: what the section asks of the comparisons, which is no setting of a trial.
EvaluateSettings ReadEvaluate(const Value& value, VerdictSettings& verdict);
// `labels`: what the section asks of workers besides, which is no setting of a trial.
ResourceSettings ReadResources(const Value& value, Labels& labels);
std::vector<std::int64_t> ReadSeeds(const Value& value);

}  // namespace lorikeet::spec
