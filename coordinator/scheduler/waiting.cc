#include "coordinator/scheduler/waiting.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "coordinator/scheduler/plan.h"

namespace lorikeet::scheduler {
namespace {

constexpr const char* kPaused = "the sweep is paused";

// Why no connected worker could ever hold the demand.
std::string WhatIsMissing(const Fleet& fleet, const Demand& demand) {
  if (demand.labels != nullptr) {
    Demand anywhere = demand;
    anywhere.labels = nullptr;
    if (AnyCouldHold(fleet, anywhere)) {
      return fmt::format("no connected worker that has {} is labelled {}", Describe(anywhere),
                         FormatLabels(*demand.labels));
    }
  }
  return fmt::format("no connected worker has {}", Describe(demand));
}

// Of workers that could hold the demand, none of which takes work.
std::string WhyNoneTakesWork(const Fleet& fleet, const Demand& demand) {
  bool draining = false, quarantined = false;
  for (const auto& [id, worker] : fleet) {
    if (!CouldHold(worker, demand)) continue;
    (worker.draining ? draining : quarantined) = true;  // it, or its slots
  }
  if (draining && quarantined) return "draining or quarantined";
  return draining ? "draining" : "quarantined";
}

}  // namespace

std::string Waiting::Why(const Pending& pending) {
  if (queue_.sweeps().at(pending.sweep_id).rules.paused) return kPaused;
  if (BacksOff(pending)) return BackingOff(1, pending.ready_at);
  return WhyReady(pending.sweep_id, pending.demand);
}

bool Waiting::BacksOff(const Pending& pending) const {
  return pending.ready_at > now_ && !queue_.sweeps().at(pending.sweep_id).rules.paused;
}

std::vector<std::string> Waiting::Why(const std::string& sweep_id) {
  std::vector<std::string> reasons;
  const auto found = queue_.sweeps().find(sweep_id);
  if (found == queue_.sweeps().end()) return reasons;
  if (found->second.rules.paused) return {kPaused};
  for (const auto& [demand, trials] : found->second.ready) {
    const std::string& reason = WhyReady(sweep_id, demand);
    if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) reasons.push_back(reason);
  }
  const auto& backing_off = found->second.backing_off;
  if (!backing_off.empty() && (*backing_off.begin())->ready_at > now_) {
    reasons.push_back(BackingOff(backing_off.size(), (*backing_off.begin())->ready_at));
  }
  return reasons;
}

const std::string& Waiting::WhyReady(const std::string& sweep_id, const Demand& demand) {
  const auto [at, is_new] = known_.try_emplace({sweep_id, demand});
  if (!is_new) return at->second;
  const Queue::Sweep& sweep = queue_.sweeps().at(sweep_id);
  at->second = WorkOut(sweep_id, sweep, demand);
  if (const std::string barred = WhoIsBarred(sweep, demand); !barred.empty()) {
    at->second += "; these workers' files are not the sweep's: " + barred;
  }
  return at->second;
}

std::string Waiting::WhoIsBarred(const Queue::Sweep& sweep, const Demand& demand) const {
  constexpr int kMostNamed = 3;
  std::string text;
  int named = 0, more = 0;
  for (const auto& [id, worker] : fleet_) {
    if (!sweep.rules.Bars(id) || !CouldHold(worker, demand)) continue;
    if (++named > kMostNamed) {
      ++more;
      continue;
    }
    text += (text.empty() ? "" : ", ") + sweep.rules.barred->at(id);
  }
  return more > 0 ? fmt::format("{} and {} more", text, more) : text;
}

std::string Waiting::WorkOut(const std::string& sweep_id, const Queue::Sweep& sweep, const Demand& demand) {
  if (fleet_.empty()) return "no worker is connected";
  if (!AnyCouldHold(fleet_, demand)) return WhatIsMissing(fleet_, demand);
  if (Capacity(fleet_, demand, sweep.rules.barred) == 0) {
    if (Capacity(fleet_, demand) > 0) return "no worker that takes work may have it";
    return fmt::format("every worker that has {} is {}", Describe(demand), WhyNoneTakesWork(fleet_, demand));
  }
  if (!sweep.rules.MayRun()) {
    return fmt::format("the sweep runs {} trial{}, and its max_running is {}", sweep.rules.running,
                       sweep.rules.running == 1 ? "" : "s", *sweep.rules.max_running);
  }
  return WhyNotPlaced(sweep_id, sweep, demand);
}

// Workers could hold it, and the sweep may run.
std::string Waiting::WhyNotPlaced(const std::string& sweep_id, const Queue::Sweep& sweep,
                                  const Demand& demand) {
  if (!held_back_) held_back_ = HeldBack(queue_, fleet_);
  std::int64_t slots = 0, busy = 0, kept = 0;
  std::string kept_for;
  for (const auto& [id, worker] : fleet_) {
    if (!worker.TakesWork() || !HasLabels(worker, demand) || sweep.rules.Bars(id)) continue;
    const auto held = held_back_->find(id);
    for (const Slot& slot : worker.slots) {
      if (!Suits(slot, demand) || slot.quarantined) continue;
      ++slots;
      if (!slot.attempt_id.empty()) {
        ++busy;
      } else if (held != held_back_->end() && held->second != sweep_id) {
        ++kept;
        kept_for = held->second;
      }
    }
  }
  const std::string first = WhoIsFirst(sweep_id, sweep);
  if (busy == slots) {
    const std::string text =
        slots == 1 ? "the only slot is busy" : fmt::format("all {} slots are busy", slots);
    return first.empty() ? text : text + "; " + first;
  }
  if (busy + kept == slots) {
    return fmt::format("what is free is held back for a trial of sweep '{}' that takes several slots",
                       queue_.sweeps().at(kept_for).rules.name);
  }
  if (demand.slots > 1) return fmt::format("waits for {} to be free together", Describe(demand));
  return first.empty() ? "it is about to be granted" : first;
}

std::string Waiting::WhoIsFirst(const std::string& sweep_id, const Queue::Sweep& sweep) const {
  const auto rank = [](const Queue::Sweep& of) {
    return std::make_tuple(-of.rules.priority, of.turn, of.number);
  };
  const Queue::Sweep* first = &sweep;
  for (const auto& [id, other] : queue_.sweeps()) {
    if (id == sweep_id || !other.rules.MayRun() || rank(other) >= rank(*first)) continue;
    const bool fits = std::any_of(other.ready.begin(), other.ready.end(),
                                  [&, &barred = other.rules.barred](const auto& group) {
                                    return Capacity(fleet_, group.first, barred) > 0;
                                  });
    if (fits) first = &other;
  }
  if (first == &sweep) return "";
  return first->rules.priority > sweep.rules.priority
             ? fmt::format("sweep '{}' of higher priority ({}) is served first", first->rules.name,
                           first->rules.priority)
             : fmt::format("it is the turn of sweep '{}' first", first->rules.name);
}

std::string Waiting::BackingOff(std::size_t trials, SteadyTime until) const {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(until - now_).count();
  return trials == 1 ? fmt::format("tried again in {} s", seconds)
                     : fmt::format("{} trials are tried again, the first in {} s", trials, seconds);
}

}  // namespace lorikeet::scheduler
