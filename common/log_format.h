// How a line of the log reads. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/logging.h"

namespace lorikeet {

// Both without the newline. `level` is its name: "info".
// "message key=value …"; a value with spaces, quotes, '=' or nothing printable in it stands in quotes.
std::string TextLine(std::string_view message, const LogFields& fields);
// One JSON object: time, level, message, then the fields in their order. Bytes that are not UTF-8 become
// U+FFFD.
std::string JsonLine(WallTime time, std::string_view level, std::string_view message,
                     const LogFields& fields);

}  // namespace lorikeet
