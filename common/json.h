// JSON read strictly: for input that comes from other programs, or from people.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "common/status.h"

namespace lorikeet {

// Parses one JSON value that fills `text`. InvalidArgument, with the place, for broken JSON, invalid UTF-8, a
// key that stands twice in an object (other parsers silently keep one of them) and nesting deeper than 64.
// Thread-safe.
StatusOr<nlohmann::json> ParseJson(std::string_view text);

// "a string", "a list", "a whole number"...: what `value` is, for messages.
std::string JsonKind(const nlohmann::json& value);

// The first bytes of valid UTF-8 `text`, at most so many, and no part of a character: for messages.
std::string_view Utf8Prefix(std::string_view text, std::size_t most_bytes);

// Whether `text` is valid UTF-8: no overlong forms, no surrogates.
bool IsUtf8(std::string_view text);

}  // namespace lorikeet
