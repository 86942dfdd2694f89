// Durations as people write them on a command line.
#pragma once

#include <string>

#include "common/clock.h"
#include "common/status.h"

namespace lorikeet::agent {

// "500ms", "30s", "10m", "1h", "2d"; "0". InvalidArgument says what would be right.
StatusOr<Duration> ParseDuration(const std::string& text);

}  // namespace lorikeet::agent
