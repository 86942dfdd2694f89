#include "sweeps/export/lines.h"

#include <chrono>
#include <cstdio>

namespace lorikeet::exporting {
namespace {

constexpr std::size_t kMostLineBytes = std::size_t{64} << 20;

void FlattenInto(const Json& value, const std::string& path, Json& flat) {
  if (value.is_object()) {
    for (const auto& [key, one] : value.items()) {
      std::string below = path;
      if (!below.empty()) below += '.';
      below += key;
      FlattenInto(one, below, flat);
    }
  } else if (value.is_array()) {
    std::string joined;
    for (const Json& item : value) {
      joined += joined.empty() ? "" : ",";
      joined += item.is_string() ? item.get<std::string>()
                                 : item.dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    flat[path] = joined;
  } else if (!value.is_null()) {
    flat[path] = value;
  }
}

}  // namespace

Status Lines::Add(std::string_view text) {
  waiting_ += text;
  std::size_t begin = 0;
  for (std::size_t end; (end = waiting_.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const Json line = Json::parse(waiting_.begin() + static_cast<std::ptrdiff_t>(begin),
                                  waiting_.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    if (!line.is_object()) return Internal("what comes is no JSON object: {}", waiting_.substr(begin, 80));
    try {
      RETURN_IF_ERROR(take_(line));
    } catch (const Json::exception& error) {  // a value of another type than it should be
      return Internal("what comes is not what was asked for: {}", error.what());
    }
  }
  waiting_.erase(0, begin);
  if (waiting_.size() > kMostLineBytes) return Internal("a line of more than {} bytes came", kMostLineBytes);
  return absl::OkStatus();
}

Status Lines::Finish() const {
  return waiting_.empty() ? absl::OkStatus() : Internal("the last line that came has no end");
}

std::string Text(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t Milliseconds(const Json& object, const char* key, std::int64_t otherwise) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, milliseconds = 0;
  if (std::sscanf(Text(object, key).c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &year, &month, &day, &hour,
                  &minute, &second, &milliseconds) != 7)
    return otherwise;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return otherwise;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + hour) * 60 + minute) * 60'000 + second * 1000 + milliseconds;
}

Json Flatten(const Json& object) {
  Json flat = Json::object();
  FlattenInto(object, "", flat);
  return flat;
}

Json ResultNumbers(const Json& run) {
  Json numbers = Json::object();
  const auto result = run.find("result");
  if (result == run.end() || !result->is_object()) return numbers;
  for (const auto& [name, value] : result->items())
    if (value.is_number() && name != "seed") numbers[name] = value;
  return numbers;
}

}  // namespace lorikeet::exporting
