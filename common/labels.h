// What a host is called by people, and what a sweep asks of its hosts: "gpu" is "a100", "zone" is "x".
//
// Pure functions; thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "common/status.h"

namespace lorikeet {

using Labels = std::map<std::string, std::string>;

// Letters, digits, '.', '_', '-' and '/', a letter or digit first, at most 63 characters; values likewise.
bool IsLabelWord(std::string_view text);
inline constexpr const char* kLabelWord =
    "letters, digits, '.', '_', '-' and '/', a letter or digit first, at most 63 characters";

// "key=value", as --label has it. InvalidArgument says what would be right.
StatusOr<std::pair<std::string, std::string>> ParseLabel(std::string_view text);
// "gpu=a100, zone=x".
std::string FormatLabels(const Labels& labels);
// Whether `offered` has each of the asked ones.
bool HasAll(const Labels& offered, const Labels& asked);

}  // namespace lorikeet
