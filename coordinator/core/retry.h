// Whether a failed trial is tried again, and when. Functions without state.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "coordinator/core/types.h"

namespace lorikeet::core {

// However often it is doubled, a backoff is no longer than this.
inline constexpr std::chrono::milliseconds kLongestBackoff = std::chrono::hours(1);

// A trial lost or handed back so often fails: something about it takes workers down.
inline constexpr std::int64_t kMostInterruptions = 100;

// The same input gives the same failure: bad_input, diverged.
bool IsPermanent(const std::string& failure_kind);

// How long to wait before the next attempt, `failures` counting the one that just happened (at least 1);
// nothing where there is no next one.
std::optional<std::chrono::milliseconds> BackoffAfter(const RetryPolicy& retry,
                                                      const std::string& failure_kind, std::int64_t failures);

// Before a trial that a worker handed back without having got anywhere is granted again: 1 s, doubled each
// time up to a minute, so that a worker that can start nothing does not spin.
std::chrono::milliseconds DelayAfterReturn(std::int64_t interruptions);

// Attempts of the trial that ended without a fault of its own. Only a grant or a cancel issues a token, and a
// cancelled trial is granted no more: the token of any other trial counts its attempts.
inline std::int64_t Interruptions(const Trial& trial) { return trial.token - trial.failures; }

}  // namespace lorikeet::core
