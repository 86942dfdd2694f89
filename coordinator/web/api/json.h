// What there is to tell, as JSON. Internal to coordinator/web/api.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "coordinator/service/service.h"
#include "sweeps/report/browse.h"
#include "sweeps/report/documents.h"

namespace lorikeet::web {

using Json = nlohmann::ordered_json;

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}
inline Json OrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

// One line, UTF-8 whatever came in.
std::string Dump(const Json& json);

Json ToJson(const service::SweepView& view);
Json ToJson(const service::WorkerView& view);
Json ToJson(const service::Progress& progress);
Json ToJson(const report::Grid& grid);
Json ToJson(const report::TrialItem& item);
Json ToJson(const report::TrialFacts& facts);
Json ToJson(const report::HistoryItem& item);
Json ToJson(const report::Comparisons& comparisons);
Json ToJson(const report::DocumentList& list);
Json ToJson(const report::DocumentText& text);

}  // namespace lorikeet::web
