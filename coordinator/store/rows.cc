#include "coordinator/store/rows.h"

#include <cstdio>
#include <ctime>

namespace lorikeet::store {
namespace {

constexpr auto kReplace = nlohmann::json::error_handler_t::replace;

}  // namespace

StatusOr<WallTime> ParseTime(const std::string& text) {
  std::tm parts{};
  int milliseconds = 0, read = 0;
  const int fields =
      std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &milliseconds, &read);
  if (fields != 7 || read != static_cast<int>(text.size())) return Internal("'{}' is not a time", text);
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  const std::time_t seconds = timegm(&parts);
  return WallTime(std::chrono::seconds(seconds) + std::chrono::milliseconds(milliseconds));
}

StatusOr<std::optional<WallTime>> ParseOptionalTime(const std::string& text) {
  if (text.empty()) return std::optional<WallTime>();
  ASSIGN_OR_RETURN(const WallTime time, ParseTime(text));
  return std::optional<WallTime>(time);
}

std::string PairsToJson(const Pairs& pairs) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (const auto& [key, value] : pairs) object[key] = value;
  return object.dump(-1, ' ', false, kReplace);
}

StatusOr<Pairs> PairsFromJson(const std::string& text) {
  try {
    Pairs pairs;
    const auto object = nlohmann::ordered_json::parse(text);
    for (const auto& [key, value] : object.items()) pairs.emplace_back(key, value.get<std::string>());
    return pairs;
  } catch (const nlohmann::json::exception& error) {
    return Internal("{}: {}", text, error.what());
  }
}

std::string LabelsToJson(const Labels& labels) {
  return nlohmann::json(labels).dump(-1, ' ', false, kReplace);
}

StatusOr<Labels> LabelsFromJson(const std::string& text) {
  try {
    return nlohmann::json::parse(text).get<Labels>();
  } catch (const nlohmann::json::exception& error) {
    return Internal("{}: {}", text, error.what());
  }
}

std::string RetryKindsToJson(const std::map<std::string, KindRetry>& kinds) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (const auto& [kind, retry] : kinds) {
    object[kind] = {{"attempts", retry.attempts}, {"backoff_ms", retry.backoff.count()}};
  }
  return object.dump(-1, ' ', false, kReplace);
}

StatusOr<std::map<std::string, KindRetry>> RetryKindsFromJson(const std::string& text) {
  try {
    std::map<std::string, KindRetry> kinds;
    const auto object = nlohmann::json::parse(text);
    for (const auto& [kind, retry] : object.items()) {
      kinds[kind] = {.attempts = retry.at("attempts").get<std::int64_t>(),
                     .backoff = std::chrono::milliseconds(retry.at("backoff_ms").get<std::int64_t>())};
    }
    return kinds;
  } catch (const nlohmann::json::exception& error) {
    return Internal("{}: {}", text, error.what());
  }
}

std::string KeepToJson(const Keep& keep) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  const auto put = [&](const char* what, const std::optional<std::chrono::milliseconds>& time) {
    object[what] = time ? nlohmann::ordered_json(time->count()) : nlohmann::ordered_json();
  };
  put("checkpoints", keep.checkpoints);
  put("artifacts", keep.artifacts);
  put("logs", keep.logs);
  return object.dump();
}

StatusOr<Keep> KeepFromJson(const std::string& text) {
  try {
    const auto object = nlohmann::json::parse(text);
    const auto get = [&](const char* what) -> std::optional<std::chrono::milliseconds> {
      const auto& time = object.at(what);
      if (time.is_null()) return std::nullopt;
      return std::chrono::milliseconds(time.get<std::int64_t>());
    };
    return Keep{.checkpoints = get("checkpoints"), .artifacts = get("artifacts"), .logs = get("logs")};
  } catch (const nlohmann::json::exception& error) {
    return Internal("{}: {}", text, error.what());
  }
}

std::string TuneToJson(const TuneSettings& tune) {
  if (tune.axes.empty()) return "";
  return nlohmann::ordered_json{{"axes", tune.axes}, {"by", tune.by}, {"seeds", tune.seeds}}.dump();
}

StatusOr<TuneSettings> TuneFromJson(const std::string& text) {
  if (text.empty()) return TuneSettings();
  try {
    const auto object = nlohmann::json::parse(text);
    return TuneSettings{.axes = object.at("axes").get<std::vector<std::string>>(),
                        .by = object.at("by").get<std::string>(),
                        .seeds = object.at("seeds").get<std::vector<std::int64_t>>()};
  } catch (const nlohmann::json::exception& error) {
    return Internal("{}: {}", text, error.what());
  }
}

std::string SlotsToJson(const std::vector<core::Slot>& slots) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const core::Slot& slot : slots) {
    list.push_back({{"index", slot.index},
                    {"kind", slot.kind},
                    {"device", slot.device},
                    {"device_model", slot.device_model},
                    {"memory_bytes", slot.memory_bytes},
                    {"threads", slot.threads}});
    if (!slot.quarantine.empty()) list.back()["quarantine"] = slot.quarantine;
  }
  return list.dump(-1, ' ', false, kReplace);
}

StatusOr<std::vector<core::Slot>> SlotsFromJson(const std::string& text) {
  try {
    std::vector<core::Slot> slots;
    const auto list = nlohmann::json::parse(text);
    for (const auto& item : list) {
      core::Slot slot;
      slot.index = item.at("index").get<std::int64_t>();
      slot.kind = item.at("kind").get<std::string>();
      slot.device = item.at("device").get<std::string>();
      slot.device_model = item.at("device_model").get<std::string>();
      slot.memory_bytes = item.at("memory_bytes").get<std::int64_t>();
      slot.threads = item.at("threads").get<std::int64_t>();
      slot.quarantine = item.value("quarantine", "");
      slots.push_back(std::move(slot));
    }
    return slots;
  } catch (const nlohmann::json::exception& error) {
    return Internal("{}: {}", text, error.what());
  }
}

}  // namespace lorikeet::store
