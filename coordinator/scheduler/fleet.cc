#include "coordinator/scheduler/fleet.h"

#include <fmt/format.h>

#include <algorithm>

namespace lorikeet::scheduler {
namespace {

// `offered`: on the slots that it offers now.
std::int64_t HowMany(const Worker& worker, const Demand& demand, bool offered) {
  if (!HasLabels(worker, demand)) return 0;
  std::int64_t cpu = 0, gpu = 0;
  for (const Slot& slot : worker.slots) {
    if (Suits(slot, demand) && !(offered && slot.quarantined)) ++(slot.gpu ? gpu : cpu);
  }
  return cpu / demand.slots + gpu / demand.slots;
}

}  // namespace

bool CouldHold(const Worker& worker, const Demand& demand) { return HowMany(worker, demand, false) > 0; }

bool AnyCouldHold(const Fleet& fleet, const Demand& demand) {
  return std::any_of(fleet.begin(), fleet.end(),
                     [&](const auto& entry) { return CouldHold(entry.second, demand); });
}

std::int64_t Capacity(const Fleet& fleet, const Demand& demand, const Barred* barred) {
  std::int64_t capacity = 0;
  for (const auto& [id, worker] : fleet) {
    if (!worker.TakesWork() || (barred != nullptr && barred->contains(id))) continue;
    capacity += HowMany(worker, demand, true);
  }
  return capacity;
}

std::string Describe(const Demand& demand) {
  std::string text =
      fmt::format("{}{} slot{}", demand.slots, demand.needs_gpu ? " GPU" : "", demand.slots == 1 ? "" : "s");
  if (demand.memory_bytes > 0) {
    text += fmt::format(" with {:.1f} GiB{}", static_cast<double>(demand.memory_bytes) / (1LL << 30),
                        demand.slots == 1 ? "" : " each");
  }
  if (demand.labels != nullptr) return text + " on a worker labelled " + FormatLabels(*demand.labels);
  return demand.slots == 1 ? text : text + " on one worker";
}

}  // namespace lorikeet::scheduler
