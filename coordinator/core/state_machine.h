// Which state may follow which. Every change of a state goes through Move; nothing else writes a state.
//
// A trial:
//
//                      (1)               (2)
//      ┌─────────▶ pending ─────▶ running ─────▶ succeeded
//      │           ▲ │ │ │   (4)    │ │ │  (3)
//      │           │ │ │ └──────────┼─┼─┴─────▶ failed ──┐
//      │           │ │ └─(5)──▶ succeeded                │
//      │           │ │     (6)      │ │                  │
//      │           │ └───────▶ cancelled ◀──(7)          │
//      │           └─────(9)─────┴─────────────(9)───────┘
//      └──────────────(8)─────────────┘
//
//   1  pending → running     a grant; or word of a lost attempt whose token is still the newest
//   2  running → succeeded   its result is committed
//   3  running → failed      a failure that is not retried, or one too many
//   4  pending → failed      the same, reported late by a lost attempt; or its settings cannot be chosen
//   5  pending → succeeded   the result of a lost attempt came late, before another grant
//   6  pending → cancelled   by a person
//   7  running → cancelled   by a person
//   8  running → pending     the lease ran out, the worker handed it back, or a failure that is retried
//   9  failed | cancelled → pending   a person's retry
//
// An attempt:
//
//                (1)            (2)
//     granted ─────────▶ running ─────────▶ succeeded
//       │ │ │ │           │ │ │ ▲ │
//       │ │ │ └─(3)─▶ lost ◀(4)┘ │ └──(5)──▶ failed, returned, cancelled
//       │ │ │         │ │ └──(6)─┘
//       │ │ │         │ └─(7)─▶ succeeded, failed, returned, cancelled
//       │ │ │         └───(8)─▶ superseded
//       └─┴─┴──(9)──▶ failed, returned, cancelled
//
//   1  granted → running     the first word of it
//   2  running → succeeded   its result is committed
//   3  granted → lost        the lease ran out, or its worker came back without it
//   4  running → lost        the same
//   5  running → failed | returned | cancelled
//   6  lost → running        a late word; its token is still its trial's newest
//   7  lost → succeeded | failed | returned | cancelled   the same, and it is over
//   8  lost → superseded     its trial was granted again: nothing of it counts any more
//   9  granted → failed | returned | cancelled   before it started
//
// A sweep:
//
//   1  running → paused      2  paused → running
//   3  running → finished    every trial has ended         4  paused → finished
//   5  running → cancelled   by a person                   6  paused → cancelled
//   7  finished → running    a person's retry of trials    8  cancelled → running
//
// Functions without state; thread-safe.
#pragma once

#include "common/status.h"
#include "coordinator/core/types.h"

namespace lorikeet::core {

// FailedPrecondition, naming both states, where the arrow is missing; a state does not follow itself.
Status CheckTransition(SweepState from, SweepState to);
Status CheckTransition(TrialState from, TrialState to);
Status CheckTransition(AttemptState from, AttemptState to);

// Sets the state where the arrow exists; else FailedPrecondition, naming what it is, with nothing changed.
Status Move(Sweep& sweep, SweepState to);
Status Move(Trial& trial, TrialState to);
Status Move(Attempt& attempt, AttemptState to);

// It has ended: of sweeps and trials, nothing but a person's retry follows.
bool IsFinal(SweepState state);
bool IsFinal(TrialState state);
bool IsFinal(AttemptState state);

// Granted or running: it has a lease. A lost attempt is neither this nor final.
inline bool IsLeased(AttemptState state) {
  return state == AttemptState::kGranted || state == AttemptState::kRunning;
}

}  // namespace lorikeet::core
