// What a column's text means: times, JSON lists, states. The other direction of what the store writes.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/status.h"
#include "coordinator/core/types.h"

namespace lorikeet::store {

// Reads what FormatTime writes; Internal for anything else.
StatusOr<WallTime> ParseTime(const std::string& text);
// "" is nothing.
StatusOr<std::optional<WallTime>> ParseOptionalTime(const std::string& text);

using Pairs = std::vector<std::pair<std::string, std::string>>;
// A JSON object in the pairs' own order: {"rank":"8"}.
std::string PairsToJson(const Pairs& pairs);
StatusOr<Pairs> PairsFromJson(const std::string& text);

// {"gpu":"a100"}
std::string LabelsToJson(const Labels& labels);
StatusOr<Labels> LabelsFromJson(const std::string& text);

// {"oom":{"attempts":1,"backoff_ms":30000}}
std::string RetryKindsToJson(const std::map<std::string, KindRetry>& kinds);
StatusOr<std::map<std::string, KindRetry>> RetryKindsFromJson(const std::string& text);

// {"checkpoints":604800000,"artifacts":null,"logs":null}, in milliseconds
std::string KeepToJson(const Keep& keep);
StatusOr<Keep> KeepFromJson(const std::string& text);

// {"axes":["learning_rate"],"by":"validation_rouge1","seeds":[101]}; "" where nothing is tuned
std::string TuneToJson(const TuneSettings& tune);
StatusOr<TuneSettings> TuneFromJson(const std::string& text);

std::string SlotsToJson(const std::vector<core::Slot>& slots);
StatusOr<std::vector<core::Slot>> SlotsFromJson(const std::string& text);

// Lists of numbers or of strings.
template <typename T>
std::string ListToJson(const std::vector<T>& list) {
  return nlohmann::json(list).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}
template <typename T>
StatusOr<std::vector<T>> ListFromJson(const std::string& text) {
  try {
    return nlohmann::json::parse(text).get<std::vector<T>>();
  } catch (const nlohmann::json::exception& error) {
    return Internal("{}: {}", text, error.what());
  }
}

}  // namespace lorikeet::store
