// How often a sweep's trials are tried again, and after how long: the sweep file's `retry`.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace lorikeet {

// Of the failures of one kind.
struct KindRetry {
  std::int64_t attempts = 3;                  // 1: never tried again
  std::chrono::milliseconds backoff{30'000};  // doubled after each failure
  friend bool operator==(const KindRetry&, const KindRetry&) = default;
};

struct RetryPolicy {
  std::int64_t attempts = 3;  // of the trial's own failures, of all kinds together
  std::chrono::milliseconds backoff{30'000};
  // What differs from that where the last failure is of that kind (common/failure_kinds.h). Never what is
  // the same.
  std::map<std::string, KindRetry> kinds = {};
  // How often a trial may be lost with its worker or handed back; those are no failures of its own.
  std::int64_t interruptions = kInterruptions;

  static constexpr std::int64_t kInterruptions = 20;

  KindRetry Of(const std::string& kind) const {
    const auto found = kinds.find(kind);
    return found == kinds.end() ? KindRetry{attempts, backoff} : found->second;
  }
  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
};

}  // namespace lorikeet
