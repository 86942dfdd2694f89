#include "coordinator/core/state_machine.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>
#include <vector>

namespace lorikeet::core {
namespace {

using S = SweepState;
using T = TrialState;
using A = AttemptState;

const std::vector<S> kSweepStates = {S::kRunning, S::kPaused, S::kFinished, S::kCancelled};
const std::vector<T> kTrialStates = {T::kPending, T::kRunning, T::kSucceeded, T::kFailed, T::kCancelled};
const std::vector<A> kAttemptStates = {A::kGranted, A::kRunning,  A::kLost,       A::kSucceeded,
                                       A::kFailed,  A::kReturned, A::kSuperseded, A::kCancelled};

// Written out once more, from the drawing, on purpose.
const std::set<std::pair<S, S>> kSweepArrows = {{S::kRunning, S::kPaused},    {S::kPaused, S::kRunning},
                                                {S::kRunning, S::kFinished},  {S::kPaused, S::kFinished},
                                                {S::kRunning, S::kCancelled}, {S::kPaused, S::kCancelled},
                                                {S::kFinished, S::kRunning},  {S::kCancelled, S::kRunning}};
const std::set<std::pair<T, T>> kTrialArrows = {{T::kPending, T::kRunning},   {T::kRunning, T::kSucceeded},
                                                {T::kRunning, T::kFailed},    {T::kPending, T::kFailed},
                                                {T::kPending, T::kSucceeded}, {T::kPending, T::kCancelled},
                                                {T::kRunning, T::kCancelled}, {T::kRunning, T::kPending},
                                                {T::kFailed, T::kPending},    {T::kCancelled, T::kPending}};
const std::set<std::pair<A, A>> kAttemptArrows = {
    {A::kGranted, A::kRunning},   {A::kRunning, A::kSucceeded}, {A::kGranted, A::kLost},
    {A::kRunning, A::kLost},      {A::kRunning, A::kFailed},    {A::kRunning, A::kReturned},
    {A::kRunning, A::kCancelled}, {A::kLost, A::kRunning},      {A::kLost, A::kSucceeded},
    {A::kLost, A::kFailed},       {A::kLost, A::kReturned},     {A::kLost, A::kCancelled},
    {A::kLost, A::kSuperseded},   {A::kGranted, A::kFailed},    {A::kGranted, A::kReturned},
    {A::kGranted, A::kCancelled}};

// Every pair of states: an arrow moves, a missing one is refused, names both states and changes nothing.
template <typename Owner, typename State>
void CheckEveryPair(const std::vector<State>& states, const std::set<std::pair<State, State>>& arrows) {
  for (const State from : states) {
    for (const State to : states) {
      SCOPED_TRACE(Name(from) + " -> " + Name(to));
      Owner owner;
      owner.id = "x-1";
      owner.state = from;
      const Status status = Move(owner, to);
      if (arrows.contains({from, to})) {
        EXPECT_TRUE(status.ok()) << status;
        EXPECT_EQ(owner.state, to);
      } else {
        EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
        EXPECT_NE(Message(status).find(Name(from)), std::string::npos) << status;
        EXPECT_NE(Message(status).find(Name(to)), std::string::npos) << status;
        EXPECT_NE(Message(status).find("x-1"), std::string::npos) << status;
        EXPECT_EQ(owner.state, from);
      }
      EXPECT_EQ(CheckTransition(from, to).ok(), status.ok());
    }
  }
}

TEST(StateMachine, SweepArrows) { CheckEveryPair<Sweep>(kSweepStates, kSweepArrows); }
TEST(StateMachine, TrialArrows) { CheckEveryPair<Trial>(kTrialStates, kTrialArrows); }
TEST(StateMachine, AttemptArrows) { CheckEveryPair<Attempt>(kAttemptStates, kAttemptArrows); }

TEST(StateMachine, WhatHasEndedSaysSo) {
  for (const S state : kSweepStates)
    EXPECT_EQ(IsFinal(state), state == S::kFinished || state == S::kCancelled) << Name(state);
  for (const T state : kTrialStates)
    EXPECT_EQ(IsFinal(state), state != T::kPending && state != T::kRunning) << Name(state);
  for (const A state : kAttemptStates)
    EXPECT_EQ(IsFinal(state), !IsLeased(state) && state != A::kLost) << Name(state);
}

TEST(StateMachine, LeasedIsGrantedOrRunning) {
  for (const A state : kAttemptStates) {
    EXPECT_EQ(IsLeased(state), state == A::kGranted || state == A::kRunning) << Name(state);
  }
}

TEST(Names, ComeBack) {
  for (const S state : kSweepStates) EXPECT_EQ(*ParseSweepState(Name(state)), state);
  for (const T state : kTrialStates) EXPECT_EQ(*ParseTrialState(Name(state)), state);
  for (const A state : kAttemptStates) EXPECT_EQ(*ParseAttemptState(Name(state)), state);
  // The database and the command line show these very words.
  EXPECT_EQ(Name(S::kCancelled), "cancelled");
  EXPECT_EQ(Name(T::kPending), "pending");
  EXPECT_EQ(Name(A::kSuperseded), "superseded");
}

TEST(Names, UnknownOnesAreRefusedWithTheKnown) {
  const Status status = ParseTrialState("done").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_NE(Message(status).find("'done'"), std::string::npos);
  EXPECT_NE(Message(status).find("succeeded"), std::string::npos);
  EXPECT_FALSE(ParseSweepState("").ok());
  EXPECT_FALSE(ParseAttemptState("Granted").ok());
}

}  // namespace
}  // namespace lorikeet::core
