#include "common/labels.h"

#include <fmt/format.h>

#include <algorithm>

namespace lorikeet {
namespace {

constexpr std::size_t kLongest = 63;

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

bool IsLabelWord(std::string_view text) {
  return !text.empty() && text.size() <= kLongest && IsAlphanumeric(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return IsAlphanumeric(c) || c == '.' || c == '_' || c == '-' || c == '/';
         });
}

StatusOr<std::pair<std::string, std::string>> ParseLabel(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return InvalidArgument("'{}': a label is key=value, such as gpu=a100", text);
  }
  const std::string_view key = text.substr(0, equals), value = text.substr(equals + 1);
  for (const std::string_view word : {key, value}) {
    if (!IsLabelWord(word)) {
      return InvalidArgument("'{}': a label is key=value, such as gpu=a100; each of them {}", text,
                             kLabelWord);
    }
  }
  return std::pair<std::string, std::string>(key, value);
}

std::string FormatLabels(const Labels& labels) {
  std::string text;
  for (const auto& [key, value] : labels) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", key, value);
  }
  return text;
}

bool HasAll(const Labels& offered, const Labels& asked) {
  return std::all_of(asked.begin(), asked.end(), [&](const auto& label) {
    const auto found = offered.find(label.first);
    return found != offered.end() && found->second == label.second;
  });
}

}  // namespace lorikeet
