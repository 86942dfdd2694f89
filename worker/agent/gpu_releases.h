// Which GPUs may be offered: after the end of a trainer's process group its memory is not free at once, and
// where a driver or a process hangs, never.
//
//   Add ──▶ clearing ◀──Release── free, until something runs there
//              ├──as little in use as when it was idle──▶ free
//              └──not within the limit──▶ quarantined ──the same, looked at each minute──▶ free
//
// What is in use when it is idle (the driver's, a desktop's) is what a first look shows, before anything of
// ours runs there, or less where less is seen later (gpu_idle.h keeps it).
//
// Not thread-safe; no clock and no I/O of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/status.h"

namespace lorikeet::agent {

// Asks how much memory of each GPU is in use. Not thread-safe.
class GpuMemory {
 public:
  virtual ~GpuMemory() = default;
  // Returns at once; the answer is Session::OnGpuMemory, later: bytes, of cuda:0, cuda:1, …
  virtual void Ask() = 0;
};

class GpuReleases {
 public:
  struct Limits {
    Duration clearing = std::chrono::seconds(30);    // then the device is quarantined
    Duration ask_every = std::chrono::seconds(1);    // while any is clearing
    Duration look_again = std::chrono::seconds(60);  // while any is quarantined
    std::int64_t tolerance_bytes = std::int64_t{256} << 20;
  };
  enum class Standing { kFree, kClearing, kQuarantined };

  explicit GpuReleases(const Limits& limits) : limits_(limits) {}

  // A device of the worker's. `idle`: bytes, as an earlier run knew it; none: the first look says it.
  void Add(const std::string& device, std::optional<std::int64_t> idle, SteadyTime now);
  // What ran there has gone.
  void Release(const std::string& device, SteadyTime now);
  // Whether to ask for a reading now; noted as asked.
  bool ShouldAsk(SteadyTime now);
  // Bytes in use of cuda:0, cuda:1, …; or why nobody can tell.
  void See(const StatusOr<std::vector<std::int64_t>>& in_use, SteadyTime now);

  // As far as it is known.
  std::map<std::string, std::int64_t> Idle() const;
  // Free where it is not a device that was added.
  Standing Of(const std::string& device) const;
  // Why it is not offered, for people; empty where it is.
  std::string WhyNot(const std::string& device) const;

 private:
  struct Device {
    Standing standing = Standing::kClearing;
    std::optional<std::int64_t> idle;  // bytes in use when nothing of ours is there
    SteadyTime deadline{};
    std::string why;
  };
  void SeeOne(Device& device, const StatusOr<std::int64_t>& in_use, SteadyTime now);

  const Limits limits_;
  std::map<std::string, Device> devices_;
  std::optional<SteadyTime> asked_;
};

}  // namespace lorikeet::agent
