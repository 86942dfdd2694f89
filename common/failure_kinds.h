// What ended an attempt badly: the words that the trainer, the worker, the coordinator, the sweep file and
// the database use for it.
//
// Constants and pure functions; thread-safe.
#pragma once

#include <string_view>

namespace lorikeet::failure {

// Of the trial's own doing, and the same each time: never tried again.
inline constexpr const char* kBadInput = "bad_input";  // a file or a setting that cannot be used
inline constexpr const char* kDiverged = "diverged";   // a loss or a gradient that is not a number
// May go well another time, or on another worker: tried again as the sweep's `retry` says.
inline constexpr const char* kOom = "oom";
inline constexpr const char* kCrashed = "crashed";     // the trainer ended without having said why
inline constexpr const char* kTimedOut = "timed_out";  // an attempt ran longer than `time_limit`
// Nothing that the trial did: an interruption. Its worker was not heard of any more.
inline constexpr const char* kLost = "lost";
inline constexpr const char* kCancelled = "cancelled";  // by a person

inline bool IsPermanent(std::string_view kind) { return kind == kBadInput || kind == kDiverged; }

}  // namespace lorikeet::failure
