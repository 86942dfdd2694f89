// GPUs whose memory is not free after their trainer's end.

#include <algorithm>
#include <utility>

#include "common/logging.h"
#include "worker/agent/session_attempt.h"

namespace lorikeet::agent {

std::set<std::string> Session::DevicesOf(const AttemptRecord& record) const {
  std::set<std::string> devices;
  for (const Slot& slot : options_.slots) {
    if (slot.kind == "cuda" &&
        std::find(record.slots.begin(), record.slots.end(), slot.index) != record.slots.end())
      devices.insert(slot.device);
  }
  return devices;
}

void Session::OnGpuMemory(const StatusOr<std::vector<std::int64_t>>& in_use) {
  if (outcome_) return;
  std::map<std::string, bool> before;  // quarantined
  const auto is_quarantined = [&](const Slot& slot) {
    return gpus_.Of(slot.device) == GpuReleases::Standing::kQuarantined;
  };
  for (const Slot& slot : options_.slots) before[slot.device] = is_quarantined(slot);
  gpus_.See(in_use, clock_.Steady());
  if (IdleMemory idle = gpus_.Idle(); idle != idle_stored_) {
    idle_stored_ = std::move(idle);
    StoreIdleMemory(folder_, options_.boot, idle_stored_);
  }
  for (const Slot& slot : options_.slots) {
    if (before[slot.device] == is_quarantined(slot)) continue;
    if (is_quarantined(slot)) {
      LogError({}, "slot {} ({}) is not offered any more: {}", slot.index, slot.device, WhyNotOffered(slot));
    } else {
      LogInfo({}, "slot {} ({}) is offered again: its memory is free", slot.index, slot.device);
    }
  }
  WatchDevices();
  StartWaiting();
}

void Session::WatchDevices() {
  for (const auto& [id, attempt] : attempts_) {
    if (!attempt->clearing) continue;
    const std::set<std::string> devices = DevicesOf(attempt->record);
    const bool some_clearing = std::any_of(devices.begin(), devices.end(), [&](const std::string& device) {
      return gpus_.Of(device) == GpuReleases::Standing::kClearing;
    });
    if (!some_clearing) FreeSlots(*attempt);
  }
  if (options_.gpu_memory != nullptr && gpus_.ShouldAsk(clock_.Steady())) options_.gpu_memory->Ask();
}

std::map<std::int64_t, std::string> Session::SlotsNow() const {
  std::set<std::int64_t> held;
  for (const auto& [id, attempt] : attempts_) {
    if (attempt->slots_busy) held.insert(attempt->record.slots.begin(), attempt->record.slots.end());
  }
  std::map<std::int64_t, std::string> now;
  for (const Slot& slot : options_.slots) {
    const bool clearing = gpus_.Of(slot.device) == GpuReleases::Standing::kClearing;
    now[slot.index] = clearing && held.contains(slot.index) ? "" : WhyNotOffered(slot);
  }
  return now;
}

void Session::SendSlots() {
  std::map<std::int64_t, std::string> now = SlotsNow();
  if (now == slots_told_) return;
  slots_told_ = std::move(now);
  v1::WorkerMessage message;
  for (const Slot& slot : options_.slots) {
    v1::Slot& told = *message.mutable_slots_changed()->add_slots();
    told = ToWire(slot);
    told.set_quarantine(slots_told_[slot.index]);
  }
  link_.Send(message);
}

}  // namespace lorikeet::agent
