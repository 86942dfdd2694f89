// JSON lines that come in pieces, cut anywhere, and what is told of runs in them (sweeps/report/runs.cc).
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "common/status.h"

namespace lorikeet::exporting {

using Json = nlohmann::ordered_json;

class Lines {
 public:
  explicit Lines(std::function<Status(const Json&)> take) : take_(std::move(take)) {}
  // Internal for what is no JSON object, or a line of more than 64 MiB.
  Status Add(std::string_view text);
  // Internal where the last line has no end.
  Status Finish() const;

 private:
  const std::function<Status(const Json&)> take_;
  std::string waiting_;
};

// ---- values of a line; absent and null are alike
std::string Text(const Json& object, const char* key);
// Milliseconds since 1970 of "2026-03-01T12:00:00.000Z"; `otherwise` where it is none.
std::int64_t Milliseconds(const Json& object, const char* key, std::int64_t otherwise);
// Scalar leaves by their dotted path, lists joined by commas: {"train.learning_rate": 0.001, …}.
Json Flatten(const Json& object);
// The numbers of a run's row of `results`, but for its seed.
Json ResultNumbers(const Json& run);

}  // namespace lorikeet::exporting
