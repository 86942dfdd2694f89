// The connected workers' slots as the scheduler sees them, and what a trial asks of one worker.
//
// Plain values, kept up to date by the service. Functions without state.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace lorikeet::scheduler {

// What a trial needs: so many slots of one worker, all of one kind.
struct Demand {
  std::int64_t slots = 1;
  bool needs_gpu = false;
  std::int64_t memory_bytes = 0;  // of each slot; 0: whatever it has
  friend bool operator<(const Demand& a, const Demand& b) {
    return std::tie(a.slots, a.needs_gpu, a.memory_bytes) < std::tie(b.slots, b.needs_gpu, b.memory_bytes);
  }
};

struct Slot {
  std::int64_t index = 0;
  bool gpu = false;
  std::int64_t memory_bytes = 0;  // 0: the worker did not say
  std::string attempt_id;         // whose process has it; empty: free
};

struct Worker {
  std::string id;
  bool draining = false;  // takes nothing new
  std::vector<Slot> slots;
};

// Connected workers by id.
using Fleet = std::map<std::string, Worker>;

// Whether the demand fits this worker if nothing else ran there.
bool CouldHold(const Worker& worker, const Demand& demand);
bool AnyCouldHold(const Fleet& fleet, const Demand& demand);

// How many trials of this demand the workers that take work could run at once.
std::int64_t Capacity(const Fleet& fleet, const Demand& demand);

// "2 GPU slots with 10.0 GiB each on one worker": for messages.
std::string Describe(const Demand& demand);

// Whether a slot is of use to the demand at all.
inline bool Suits(const Slot& slot, const Demand& demand) {
  return (slot.gpu || !demand.needs_gpu) &&
         (slot.memory_bytes == 0 || slot.memory_bytes >= demand.memory_bytes);
}

}  // namespace lorikeet::scheduler
