#include "worker/agent/gpu_releases.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace lorikeet::agent {
namespace {

double Gibibytes(std::int64_t bytes) { return static_cast<double>(bytes) / (1LL << 30); }

// Of "cuda:1", 1.
std::optional<std::size_t> IndexOf(const std::string& device) {
  constexpr std::string_view kPrefix = "cuda:";
  std::size_t index = 0;
  if (device.rfind(kPrefix, 0) != 0) return std::nullopt;
  const auto [end, error] =
      std::from_chars(device.data() + kPrefix.size(), device.data() + device.size(), index);
  if (error != std::errc() || end != device.data() + device.size()) return std::nullopt;
  return index;
}

}  // namespace

void GpuReleases::Add(const std::string& device, std::optional<std::int64_t> idle, SteadyTime now) {
  Device& added = devices_[device];
  added.idle = idle;
  added.deadline = now + limits_.clearing;
}

void GpuReleases::Release(const std::string& device, SteadyTime now) {
  const auto found = devices_.find(device);
  if (found == devices_.end()) return;
  found->second.standing = Standing::kClearing;
  found->second.deadline = now + limits_.clearing;
  asked_.reset();  // most often it is free already
}

bool GpuReleases::ShouldAsk(SteadyTime now) {
  std::optional<Duration> every;
  for (const auto& [name, device] : devices_) {
    const bool soon = device.standing == Standing::kClearing;
    if (!soon && device.standing != Standing::kQuarantined) continue;
    const Duration wish = soon ? limits_.ask_every : limits_.look_again;
    every = every ? std::min(*every, wish) : wish;
  }
  if (!every || (asked_ && now - *asked_ < *every)) return false;
  asked_ = now;
  return true;
}

void GpuReleases::See(const StatusOr<std::vector<std::int64_t>>& in_use, SteadyTime now) {
  for (auto& [name, device] : devices_) {
    const std::optional<std::size_t> index = IndexOf(name);
    if (!in_use.ok()) {
      SeeOne(device, in_use.status(), now);
    } else if (!index || *index >= in_use->size()) {
      SeeOne(device, NotFound("the driver does not show it any more"), now);
    } else {
      SeeOne(device, (*in_use)[*index], now);
    }
  }
}

void GpuReleases::SeeOne(Device& device, const StatusOr<std::int64_t>& in_use, SteadyTime now) {
  if (device.standing == Standing::kFree) return;  // a trainer may run there
  std::string why;
  bool free = false;
  if (!in_use.ok()) {
    why = "nobody can tell how much of its memory is in use: " + Message(in_use.status());
  } else if (!device.idle) {
    device.idle = *in_use;
    free = true;
  } else {
    free = *in_use <= *device.idle + limits_.tolerance_bytes;
    why = fmt::format("{:.1f} GiB of its memory are in use, where {:.1f} GiB are when it is idle",
                      Gibibytes(*in_use), Gibibytes(*device.idle));
  }
  if (free) {
    device.standing = Standing::kFree;
    device.idle = std::min(*device.idle, *in_use);
    device.why.clear();
  } else if (device.standing == Standing::kQuarantined || now >= device.deadline) {
    device.standing = Standing::kQuarantined;
    device.why = why;
  }
}

std::map<std::string, std::int64_t> GpuReleases::Idle() const {
  std::map<std::string, std::int64_t> idle;
  for (const auto& [name, device] : devices_) {
    if (device.idle) idle[name] = *device.idle;
  }
  return idle;
}

GpuReleases::Standing GpuReleases::Of(const std::string& device) const {
  const auto found = devices_.find(device);
  return found == devices_.end() ? Standing::kFree : found->second.standing;
}

std::string GpuReleases::WhyNot(const std::string& device) const {
  const auto found = devices_.find(device);
  if (found == devices_.end() || found->second.standing == Standing::kFree) return "";
  if (found->second.standing == Standing::kQuarantined) return found->second.why;
  return found->second.idle ? "the memory of what ran there may not be free yet"
                            : "its memory is looked at first";
}

}  // namespace lorikeet::agent
