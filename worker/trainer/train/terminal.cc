#include "worker/trainer/train/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace lorikeet::trainer {

std::string FormatSeconds(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

ProgressLine::ProgressLine(Off off_terminal) : off_terminal_(off_terminal) {
  const char* const terminal = std::getenv("TERM");
  terminal_ = isatty(STDERR_FILENO) == 1 && (terminal == nullptr || std::strcmp(terminal, "dumb") != 0);
}

void ProgressLine::Update(const std::string& phase, std::int64_t step, std::int64_t total,
                          std::optional<double> loss, double tokens_per_second, double eta_seconds) {
  if (!terminal_ && off_terminal_ == Off::kSilent) return;
  const auto now = std::chrono::steady_clock::now();
  const auto pause = terminal_ ? std::chrono::milliseconds(200) : std::chrono::seconds(30);
  if (last_ && (shown_ || !terminal_) && now - *last_ < pause) return;
  last_ = now;
  std::string line = total > 0 ? fmt::format("{} {}/{}", phase, step, total) : phase;
  if (loss) line += fmt::format("  loss {:.4f}", *loss);
  if (tokens_per_second > 0) line += fmt::format("  {:.0f} tokens/s", tokens_per_second);
  if (eta_seconds >= 0) line += fmt::format("  {} left", FormatSeconds(eta_seconds));
  if (terminal_) {
    line = "\r\x1b[K" + line;
  } else {
    line += "\n";
  }
  std::fputs(line.c_str(), stderr);  // never throws: a log may lie on a disk that is full
  std::fflush(stderr);
  shown_ = terminal_;
}

void ProgressLine::Clear() {
  if (!shown_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace lorikeet::trainer
