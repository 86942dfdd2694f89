// How much memory each GPU has in use, asked of the driver by a child process.
//
// A child, since a driver that hangs, hangs who asks it, and that is when it is asked. Which child: this
// program itself (`sweep-worker --gpu-memory`), by the library that it finds its GPUs with; nvidia-smi is not
// on every host that has it, and its text is not the same everywhere.
#pragma once

#include <poll.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/subprocess.h"
#include "worker/agent/devices.h"
#include "worker/agent/gpu_releases.h"

namespace lorikeet::agent {

// Typed to sweep-worker in place of everything else, it prints GpuMemoryText and ends.
inline constexpr const char* kGpuMemoryFlag = "--gpu-memory";

// A line for each GPU that a child of ours sees, in its order: the bytes in use. What the child prints.
StatusOr<std::string> GpuMemoryText(DeviceProbe& probe);

// Not thread-safe; no threads of its own: whoever composes polls AddFiles' and calls Step.
class ChildGpuMemory : public GpuMemory {
 public:
  // `command` prints as GpuMemoryText does and leaves with exit code 0, within `patience`.
  ChildGpuMemory(std::vector<std::string> command, Clock& clock,
                 Duration patience = std::chrono::seconds(10));
  // A child that cannot be killed is left behind.
  ~ChildGpuMemory() override;

  // While a child runs, its answer is that of this question too.
  void Ask() override;
  void AddFiles(std::vector<pollfd>& files) const;
  // The answer, once: Unavailable says why there is none.
  std::optional<StatusOr<std::vector<std::int64_t>>> Step();

 private:
  void Read();

  const std::vector<std::string> command_;
  Clock& clock_;
  const Duration patience_;
  std::unique_ptr<Subprocess> child_;
  bool asked_ = false;   // and not answered
  bool killed_ = false;  // its patience is over, and it has not ended yet
  SteadyTime deadline_{};
  std::string printed_;
  Status refused_;  // the last could not be started
};

}  // namespace lorikeet::agent
