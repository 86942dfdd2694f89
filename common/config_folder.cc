#include "common/config_folder.h"

#include <cstdlib>

namespace lorikeet {

StatusOr<std::string> ConfigFolder() {
  if (const char* config = std::getenv("XDG_CONFIG_HOME"); config != nullptr && *config != '\0') {
    return std::string(config) + "/lorikeet";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    return std::string(home) + "/.config/lorikeet";
  }
  return FailedPrecondition("neither XDG_CONFIG_HOME nor HOME is set");
}

}  // namespace lorikeet
