#include "worker/agent/gpu_memory.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

namespace lorikeet::agent {
namespace {

constexpr std::size_t kMostBytes = 1 << 16;

StatusOr<std::vector<std::int64_t>> Parse(const std::string& text) {
  std::vector<std::int64_t> in_use;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::int64_t bytes = 0;
    const auto [stop, error] = std::from_chars(text.data() + begin, text.data() + end, bytes);
    if (error != std::errc() || stop != text.data() + end || bytes < 0) {
      return Unavailable("its answer '{}' is no number of bytes",
                         text.substr(begin, std::min<std::size_t>(end - begin, 80)));
    }
    in_use.push_back(bytes);
    begin = end + 1;
  }
  return in_use;
}

}  // namespace

StatusOr<std::string> GpuMemoryText(DeviceProbe& probe) {
  ASSIGN_OR_RETURN(const std::vector<Gpu> gpus, probe.Gpus());
  std::string text;
  for (const Gpu& gpu : gpus) text += fmt::format("{}\n", gpu.used_bytes);
  return text;
}

ChildGpuMemory::ChildGpuMemory(std::vector<std::string> command, Clock& clock, Duration patience)
    : command_(std::move(command)), clock_(clock), patience_(patience) {}

ChildGpuMemory::~ChildGpuMemory() {
  if (child_ == nullptr) return;
  child_->Signal(SIGKILL);
  // Its destructor waits for the end, which a call into the driver may put off for good.
  if (!child_->Wait(std::chrono::seconds(1))) {
    [[maybe_unused]] const Subprocess* left = child_.release();
  }
}

void ChildGpuMemory::Ask() {
  if (std::exchange(asked_, true) || killed_) return;
  SubprocessOptions options;
  options.command = command_;
  options.pipe_output = true;
  auto started = Subprocess::Start(options);
  refused_ = started.status();
  if (!started.ok()) return;
  child_ = *std::move(started);
  printed_.clear();
  deadline_ = clock_.Steady() + patience_;
}

void ChildGpuMemory::AddFiles(std::vector<pollfd>& files) const {
  if (child_ != nullptr && child_->ended() >= 0) files.push_back({child_->ended(), POLLIN, 0});
}

void ChildGpuMemory::Read() {
  char chunk[4096];
  for (;;) {
    const ssize_t got = read(child_->output(), chunk, sizeof(chunk));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    if (printed_.size() < kMostBytes) printed_.append(chunk, static_cast<std::size_t>(got));
  }
}

std::optional<StatusOr<std::vector<std::int64_t>>> ChildGpuMemory::Step() {
  if (child_ != nullptr) {
    const std::optional<Exit> exit = child_->Poll();
    Read();
    if (exit) {
      child_.reset();
      if (!std::exchange(killed_, false) && std::exchange(asked_, false)) {
        if (!exit->ok()) return Unavailable("{} ended with {}", command_.front(), Describe(*exit));
        return Parse(printed_);
      }
    } else if (!killed_ && clock_.Steady() >= deadline_) {
      child_->Signal(SIGKILL);
      killed_ = true;
    }
  }
  if (!asked_ || (child_ != nullptr && !killed_)) return std::nullopt;
  asked_ = false;
  if (!refused_.ok()) return Unavailable("{}", Message(refused_));
  return Unavailable("the driver has not answered within {} s",
                     std::chrono::duration_cast<std::chrono::seconds>(patience_).count());
}

}  // namespace lorikeet::agent
