// The connected workers' slots as the scheduler sees them, and what a trial asks of one worker.
//
// Plain values, kept up to date by the service. Functions without state.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "common/labels.h"

namespace lorikeet::scheduler {

// What a trial needs: so many slots of one worker, all of one kind.
struct Demand {
  std::int64_t slots = 1;
  bool needs_gpu = false;
  std::int64_t memory_bytes = 0;                   // of each slot; 0: whatever it has
  std::shared_ptr<const Labels> labels = nullptr;  // of the worker, shared by a sweep's trials; null: any
  friend bool operator<(const Demand& a, const Demand& b) {
    const auto numbers = [](const Demand& demand) {
      return std::tie(demand.slots, demand.needs_gpu, demand.memory_bytes);
    };
    if (numbers(a) != numbers(b)) return numbers(a) < numbers(b);
    if (a.labels == b.labels) return false;
    return a.labels == nullptr || b.labels == nullptr ? b.labels != nullptr : *a.labels < *b.labels;
  }
};

struct Slot {
  std::int64_t index = 0;
  bool gpu = false;
  std::int64_t memory_bytes = 0;  // 0: the worker did not say
  std::string attempt_id;         // whose process has it; empty: free
  bool quarantined = false;       // its worker does not offer it now
};

struct Worker {
  std::string id;
  bool draining = false;     // takes nothing new
  bool quarantined = false;  // the same, for what it has done to trials
  std::vector<Slot> slots;
  Labels labels = {};
  bool TakesWork() const { return !draining && !quarantined; }
};

// Connected workers by id.
using Fleet = std::map<std::string, Worker>;

// Whether the worker has the labels that are asked for.
inline bool HasLabels(const Worker& worker, const Demand& demand) {
  return demand.labels == nullptr || HasAll(worker.labels, *demand.labels);
}

// Whether the demand fits this worker if nothing else ran there.
bool CouldHold(const Worker& worker, const Demand& demand);
bool AnyCouldHold(const Fleet& fleet, const Demand& demand);

// Workers that get none of a sweep's trials, and why, for people: "host-2: model: …".
using Barred = std::map<std::string, std::string>;

// How many trials of this demand the workers that take work, and are not barred, could run at once on the
// slots that they offer.
std::int64_t Capacity(const Fleet& fleet, const Demand& demand, const Barred* barred = nullptr);

// "2 GPU slots with 10.0 GiB each on one worker labelled gpu=a100": for messages.
std::string Describe(const Demand& demand);

// Whether a slot is of use to the demand at all.
inline bool Suits(const Slot& slot, const Demand& demand) {
  return (slot.gpu || !demand.needs_gpu) &&
         (slot.memory_bytes == 0 || slot.memory_bytes >= demand.memory_bytes);
}

}  // namespace lorikeet::scheduler
