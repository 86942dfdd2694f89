#include "coordinator/core/state_machine.h"

#include <initializer_list>

namespace lorikeet::core {
namespace {

using SweepStates = std::initializer_list<SweepState>;
using TrialStates = std::initializer_list<TrialState>;
using AttemptStates = std::initializer_list<AttemptState>;

SweepStates After(SweepState state) {
  switch (state) {
    case SweepState::kRunning: {
      static constexpr SweepStates kNext = {SweepState::kPaused, SweepState::kFinished,
                                            SweepState::kCancelled};
      return kNext;
    }
    case SweepState::kPaused: {
      static constexpr SweepStates kNext = {SweepState::kRunning, SweepState::kFinished,
                                            SweepState::kCancelled};
      return kNext;
    }
    case SweepState::kFinished:
    case SweepState::kCancelled: {
      static constexpr SweepStates kNext = {SweepState::kRunning};
      return kNext;
    }
  }
  return {};
}

TrialStates After(TrialState state) {
  switch (state) {
    case TrialState::kPending: {
      static constexpr TrialStates kNext = {TrialState::kRunning, TrialState::kSucceeded, TrialState::kFailed,
                                            TrialState::kCancelled};
      return kNext;
    }
    case TrialState::kRunning: {
      static constexpr TrialStates kNext = {TrialState::kPending, TrialState::kSucceeded, TrialState::kFailed,
                                            TrialState::kCancelled};
      return kNext;
    }
    case TrialState::kSucceeded:
      return {};
    case TrialState::kFailed:
    case TrialState::kCancelled: {
      static constexpr TrialStates kNext = {TrialState::kPending};
      return kNext;
    }
  }
  return {};
}

AttemptStates After(AttemptState state) {
  switch (state) {
    case AttemptState::kGranted: {
      static constexpr AttemptStates kNext = {AttemptState::kRunning, AttemptState::kLost,
                                              AttemptState::kFailed, AttemptState::kReturned,
                                              AttemptState::kCancelled};
      return kNext;
    }
    case AttemptState::kRunning: {
      static constexpr AttemptStates kNext = {AttemptState::kLost, AttemptState::kSucceeded,
                                              AttemptState::kFailed, AttemptState::kReturned,
                                              AttemptState::kCancelled};
      return kNext;
    }
    case AttemptState::kLost: {
      static constexpr AttemptStates kNext = {AttemptState::kRunning,    AttemptState::kSucceeded,
                                              AttemptState::kFailed,     AttemptState::kReturned,
                                              AttemptState::kSuperseded, AttemptState::kCancelled};
      return kNext;
    }
    case AttemptState::kSucceeded:
    case AttemptState::kFailed:
    case AttemptState::kReturned:
    case AttemptState::kSuperseded:
    case AttemptState::kCancelled:
      return {};
  }
  return {};
}

template <typename State>
Status Check(State from, State to) {
  for (const State next : After(from)) {
    if (next == to) return absl::OkStatus();
  }
  return FailedPrecondition("{} never follows {}", Name(to), Name(from));
}

}  // namespace

Status CheckTransition(SweepState from, SweepState to) { return Check(from, to); }
Status CheckTransition(TrialState from, TrialState to) { return Check(from, to); }
Status CheckTransition(AttemptState from, AttemptState to) { return Check(from, to); }

Status Move(Sweep& sweep, SweepState to) {
  RETURN_IF_ERROR(
      Annotate(CheckTransition(sweep.state, to), fmt::format("sweep {} ({})", sweep.name, sweep.id)));
  sweep.state = to;
  return absl::OkStatus();
}

Status Move(Trial& trial, TrialState to) {
  RETURN_IF_ERROR(
      Annotate(CheckTransition(trial.state, to), fmt::format("trial {} ({})", trial.name, trial.id)));
  trial.state = to;
  return absl::OkStatus();
}

Status Move(Attempt& attempt, AttemptState to) {
  RETURN_IF_ERROR(
      Annotate(CheckTransition(attempt.state, to),
               fmt::format("attempt {} ({} of {})", attempt.id, attempt.number, attempt.trial_id)));
  attempt.state = to;
  return absl::OkStatus();
}

bool IsFinal(SweepState state) { return state == SweepState::kFinished || state == SweepState::kCancelled; }
bool IsFinal(TrialState state) { return state != TrialState::kPending && state != TrialState::kRunning; }
bool IsFinal(AttemptState state) { return std::size(After(state)) == 0; }

}  // namespace lorikeet::core
