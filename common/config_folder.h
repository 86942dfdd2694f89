// Where this user's settings of Lorikeet lie. Thread-safe as long as nobody changes the environment.
#pragma once

#include <string>

#include "common/status.h"

namespace lorikeet {

// $XDG_CONFIG_HOME/lorikeet, ~/.config/lorikeet where that is unset; FailedPrecondition where HOME is, too.
StatusOr<std::string> ConfigFolder();

}  // namespace lorikeet
