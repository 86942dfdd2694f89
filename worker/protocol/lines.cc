#include "worker/protocol/lines.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/json.h"
#include "worker/protocol/events.h"

namespace lorikeet::protocol {
namespace {

using Json = nlohmann::json;

}  // namespace

void LineWriter::operator()(const char* key, double value) {
  if (std::isnan(value)) {
    object_[key] = "nan";
  } else if (std::isinf(value)) {
    object_[key] = value > 0 ? "inf" : "-inf";
  } else {
    object_[key] = value;
  }
}

void LineWriter::operator()(const char* key, const std::optional<double>& value) {
  if (value) {
    (*this)(key, *value);
  } else {
    object_[key] = nullptr;
  }
}

std::string LineWriter::Line() const {
  return object_.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::ordered_json::error_handler_t::replace);
}

const Json* LineReader::Take(const char* key) {
  known_.emplace_back(key);
  const auto found = object_.find(key);
  if (found != object_.end()) return &*found;
  if (outcome_.ok()) outcome_ = InvalidArgument("{}: missing", Path(key));
  return nullptr;
}

void LineReader::Refuse(const char* key, const Json& found, const std::string& wanted) {
  if (outcome_.ok()) outcome_ = InvalidArgument("{}: is {}, must be {}", Path(key), JsonKind(found), wanted);
}

void LineReader::operator()(const char* key, std::string& value) {
  const Json* found = Take(key);
  if (found == nullptr) return;
  if (!found->is_string()) return Refuse(key, *found, "a string");
  value = found->get<std::string>();
}

void LineReader::operator()(const char* key, std::int64_t& value) {
  const Json* found = Take(key);
  if (found == nullptr) return;
  if (!found->is_number_integer()) return Refuse(key, *found, "a whole number");
  if (found->is_number_unsigned() &&
      found->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return Refuse(key, *found, "a whole number of 64 bits");
  }
  value = found->get<std::int64_t>();
}

void LineReader::operator()(const char* key, bool& value) {
  const Json* found = Take(key);
  if (found == nullptr) return;
  if (!found->is_boolean()) return Refuse(key, *found, "true or false");
  value = found->get<bool>();
}

bool LineReader::ReadDouble(const Json& found, double& value) {
  if (found.is_number()) {
    value = found.get<double>();
  } else if (found == "nan") {
    value = std::numeric_limits<double>::quiet_NaN();
  } else if (found == "inf") {
    value = std::numeric_limits<double>::infinity();
  } else if (found == "-inf") {
    value = -std::numeric_limits<double>::infinity();
  } else {
    return false;
  }
  return true;
}

void LineReader::operator()(const char* key, double& value) {
  const Json* found = Take(key);
  if (found != nullptr && !ReadDouble(*found, value))
    Refuse(key, *found, "a number, \"nan\", \"inf\" or \"-inf\"");
}

void LineReader::operator()(const char* key, std::optional<double>& value) {
  const Json* found = Take(key);
  if (found == nullptr) return;
  value.reset();
  if (found->is_null()) return;
  double read = 0;
  if (!ReadDouble(*found, read)) return Refuse(key, *found, "a number, \"nan\", \"inf\", \"-inf\" or null");
  value = read;
}

void LineReader::OneOf(const char* key, std::string& value, const std::vector<std::string>& choices) {
  (*this)(key, value);
  if (!outcome_.ok() || std::find(choices.begin(), choices.end(), value) != choices.end()) return;
  outcome_ = InvalidArgument("{}: '{}' is not one of {}", Path(key), Utf8Prefix(value, 60),
                             fmt::join(choices, ", "));
}

Status LineReader::Outcome() const {
  RETURN_IF_ERROR(outcome_);
  for (const auto& [key, value] : object_.items()) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
      return InvalidArgument("{}: unknown key", Path(key));
    }
  }
  return absl::OkStatus();
}

StatusOr<Json> ParseLine(const std::string& line) {
  if (line.size() > kLongestLine) {
    return InvalidArgument("a line of {} bytes: at most {}", line.size(), kLongestLine);
  }
  if (line.find('\n') != std::string::npos) return InvalidArgument("more than one line");
  ASSIGN_OR_RETURN(Json object, ParseJson(line));
  if (!object.is_object()) return InvalidArgument("must be an object, is {}", JsonKind(object));
  return object;
}

}  // namespace lorikeet::protocol
