#include "coordinator/core/retry.h"

#include <algorithm>

#include "common/failure_kinds.h"

namespace lorikeet::core {
namespace {

std::chrono::milliseconds Doubled(std::chrono::milliseconds first, std::int64_t times,
                                  std::chrono::milliseconds longest) {
  std::chrono::milliseconds delay = std::min(first, longest);
  for (std::int64_t i = 0; i < times && delay < longest && delay.count() > 0; ++i) {
    delay = std::min(delay * 2, longest);
  }
  return delay;
}

}  // namespace

std::optional<std::chrono::milliseconds> BackoffAfter(const RetryPolicy& retry,
                                                      const std::string& failure_kind,
                                                      std::int64_t failures) {
  const KindRetry kind = retry.Of(failure_kind);
  if (failure::IsPermanent(failure_kind) || failures >= kind.attempts) return std::nullopt;
  return Doubled(kind.backoff, failures - 1, kLongestBackoff);
}

std::chrono::milliseconds DelayAfterReturn(std::int64_t interruptions) {
  return Doubled(std::chrono::seconds(1), interruptions - 1, std::chrono::minutes(1));
}

}  // namespace lorikeet::core
