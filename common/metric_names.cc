#include "common/metric_names.h"

#include <algorithm>

namespace lorikeet {
namespace {

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool MayStand(char c) {
  return IsLetter(c) || (c >= '0' && c <= '9') || std::string_view("._-+@").find(c) != std::string_view::npos;
}

std::string Lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace

Status CheckMetricName(const std::string& name) {
  if (name.empty() || name.size() > kMostMetricNameBytes || !IsLetter(name.front()) ||
      !std::all_of(name.begin(), name.end(), MayStand)) {
    return InvalidArgument(
        "this is no name for a metric: a letter, then letters, digits, '.', '_', '-', '+' or '@', {} in all "
        "at "
        "most",
        kMostMetricNameBytes);
  }
  for (const char* own : {"rouge1", "rouge2", "rougel", "rougelsum"}) {
    if (Lower(name) != own) continue;
    return InvalidArgument("'{}' is what the trainer scored, and is not replaced: take another name", name);
  }
  if (Lower(name).starts_with("validation")) {
    return InvalidArgument("'{}': what begins with 'validation' is the sweep's own: take another name", name);
  }
  return absl::OkStatus();
}

}  // namespace lorikeet
