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

// How long to wait before the next attempt, `failures` counting all that the trial has had, the one that just
// happened too (at least 1); nothing where there is no next one. A kind that nobody knows, of a later
// version's, is tried again as most are.
std::optional<std::chrono::milliseconds> BackoffAfter(const RetryPolicy& retry,
                                                      const std::string& failure_kind, std::int64_t failures);

// Before a trial that a worker handed back without having got anywhere is granted again: 1 s, doubled each
// time up to a minute, so that a worker that can start nothing does not spin.
std::chrono::milliseconds DelayAfterReturn(std::int64_t interruptions);

// Whether one more interruption would be one too many.
inline bool AtInterruptionLimit(const RetryPolicy& retry, const Trial& trial) {
  return trial.interruptions >= retry.interruptions;
}

}  // namespace lorikeet::core
