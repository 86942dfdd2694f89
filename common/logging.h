// One log for a process: standard error, "2026-03-01T12:00:00.123Z info  message"; spdlog underneath.
//
// Only the programs' upper layers log; libraries return statuses. Include <spdlog/spdlog.h> to write.
#pragma once

#include <string>

#include "common/status.h"

namespace lorikeet {

// Sets the process's log up once, in main. `level` is one of debug, info, warning, error.
// Colours only on a terminal and without NO_COLOR.
Status StartLogging(const std::string& level);

}  // namespace lorikeet
