// For how long a sweep's files are kept after its end: the sweep file's `keep`.
#pragma once

#include <chrono>
#include <optional>

namespace lorikeet {

// Nothing stands for: for ever.
struct Keep {
  std::optional<std::chrono::milliseconds> checkpoints =
      std::chrono::hours(24 * 7);  // at the coordinator, of trials that failed and may be retried
  std::optional<std::chrono::milliseconds> artifacts = {};  // adapters
  std::optional<std::chrono::milliseconds> logs = {};       // what trainers said
  friend bool operator==(const Keep&, const Keep&) = default;
};

}  // namespace lorikeet
