// A line on standard error that is written over as work goes on; where that is no terminal nothing, or a line
// every half minute. No colours.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace lorikeet::trainer {

// Not thread-safe.
class ProgressLine {
 public:
  enum class Off { kSilent, kEveryHalfMinute };
  explicit ProgressLine(Off off_terminal = Off::kSilent);
  ~ProgressLine() { Clear(); }
  // At most five times a second. total 0: not known; eta: seconds left, negative: not known.
  void Update(const std::string& phase, std::int64_t step, std::int64_t total, std::optional<double> loss,
              double tokens_per_second, double eta_seconds);
  // Takes the line away, so that something else can be printed.
  void Clear();

 private:
  bool terminal_;
  Off off_terminal_;
  bool shown_ = false;
  std::optional<std::chrono::steady_clock::time_point> last_;
};

// "1:02:03", "2:03"
std::string FormatSeconds(double seconds);

}  // namespace lorikeet::trainer
