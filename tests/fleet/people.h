// What people do to a fleet while it runs, at any moment: sweepctl's pause, resume, cancel, retry, drain,
// priority, prune, and a quarantine lifted.
#pragma once

#include <cstdint>
#include <string>

#include "tests/fleet/coordinator.h"
#include "tests/fleet/ledger.h"
#include "tests/fleet/world.h"

namespace lorikeet::fleet {

class People {
 public:
  // All of them outlive it.
  People(World& world, Coordinator& coordinator, Ledger& ledger)
      : world_(world), coordinator_(coordinator), ledger_(ledger) {}

  // One of them does one thing. Nothing where nobody answers. The process may end of it.
  void Act();
  // Lets everything go on that was held: a person who looks again now and then.
  void LetGo();
  // Grows whenever what a sweep may have changes by more than what the scheduler does.
  std::uint64_t interventions() const { return interventions_; }

 private:
  Status DoOne();
  Status ToASweep(const std::string& name);
  Status ToAWorker(const service::WorkerView& worker);
  Status ToATrial();
  // The coordinator's answer to something that was asked twice, the second time because nobody heard the
  // first: alike, and nothing changed by it.
  template <typename Ask>
  Status Twice(const Ask& ask);

  World& world_;
  Coordinator& coordinator_;
  Ledger& ledger_;
  std::uint64_t interventions_ = 0;
};

}  // namespace lorikeet::fleet
