#include "worker/agent/session.h"

#include <gmock/gmock.h>

#include "tests/worker/agent/session_fixture.h"

namespace lorikeet::agent {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::SizeIs;
using M = v1::WorkerMessage;

TEST_F(SessionTest, SaysHelloFirstAndNothingElseBeforeWelcome) {
  session_->OnConnected();
  Advance(seconds(20));
  ASSERT_THAT(link_.sent, SizeIs(1));
  const v1::Hello& hello = link_.sent[0].hello();
  EXPECT_EQ(hello.worker_id(), folder_->identity());
  EXPECT_EQ(hello.hostname(), "host");
  EXPECT_EQ(hello.protocol_version(), 1);
  ASSERT_EQ(hello.slots_size(), 2);
  EXPECT_EQ(hello.slots(1).index(), 1);
  EXPECT_EQ(hello.slots(1).threads(), 2);
  EXPECT_EQ(hello.held_size(), 0);
  EXPECT_FALSE(hello.draining());
  EXPECT_EQ(hello.labels_size(), 2);
  EXPECT_EQ(hello.labels().at("zone"), "x");
  EXPECT_EQ(hello.start(), 1);
  EXPECT_EQ(hello.process(), "p-1");
  EXPECT_EQ(hello.connection(), 1);
  session_->OnDisconnected("gone");
  session_->OnConnected();
  EXPECT_EQ(link_.sent.back().hello().connection(), 2);
}

TEST_F(SessionTest, RunsAGrantToItsResult) {
  Connect();
  Trial trial = SmallTrial();
  trial.time_limit_seconds = 90;
  Grant("a-1", 5, {0, 1}, "t-1", trial);
  ASSERT_THAT(launcher_.started, SizeIs(1));
  const Launch& launch = launcher_.started[0];
  EXPECT_EQ(launch.attempt_id, "a-1");
  EXPECT_EQ(launch.device, "cpu");
  EXPECT_EQ(launch.threads, 4) << "of both slots";
  EXPECT_TRUE(launch.documents);
  EXPECT_EQ(launch.time_limit, Duration(seconds(90)));
  EXPECT_EQ(launch.trial_folder, folder_->path() + "/trials/t-1");
  MakeTrial("t-1");

  Report("a-1", protocol::Started{"cpu", "A CPU", 4, 8, 0, 100, "b"});
  Report("a-1", protocol::Metric{1, "train_loss", 2.5});
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 1), Pair("a-1", 2)));
  EXPECT_EQ(last_event_.metric().value(), 2.5);
  Ack("a-1", 2);
  Report("a-1", protocol::Result{});
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 3)));
  Ack("a-1", 3);
  EXPECT_TRUE(HasAttempt("a-1")) << "its process is still there";
  EXPECT_THAT(link_.Take(M::kClosed), IsEmpty());
  Close("a-1");
  const auto closed = link_.Take(M::kClosed);
  ASSERT_THAT(closed, SizeIs(1));
  EXPECT_EQ(closed[0].closed().attempt_id(), "a-1");
  EXPECT_EQ(closed[0].closed().token(), 5);
  EXPECT_FALSE(HasAttempt("a-1"));
  EXPECT_FALSE(HasTrial("t-1"));
}

TEST_F(SessionTest, KeepsTheSpoolUntilTheAcknowledgement) {
  Connect();
  Grant("a-1");
  MakeTrial("t-1");
  Report("a-1", protocol::Result{});
  Close("a-1");
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 1)));
  EXPECT_THAT(link_.Take(M::kClosed), SizeIs(1)) << "slots are free before the events are acknowledged";
  EXPECT_TRUE(HasAttempt("a-1"));
  Ack("a-1", 1);
  EXPECT_FALSE(HasAttempt("a-1"));
  EXPECT_FALSE(HasTrial("t-1"));
}

TEST_F(SessionTest, GivesTheThreadsThatTheTrialAsksFor) {
  Connect();
  Trial trial = SmallTrial();
  trial.resources.threads = 1;
  Grant("a-1", 1, {0}, "t-1", trial);
  trial.resources.threads = 64;
  Grant("a-2", 1, {1}, "t-2", trial);
  ASSERT_THAT(launcher_.started, SizeIs(2));
  EXPECT_EQ(launcher_.started[0].threads, 1);
  EXPECT_EQ(launcher_.started[1].threads, 2) << "no more than its slots have";
}

TEST_F(SessionTest, ResendsAfterAReconnectWithoutLossOrStart) {
  Connect();
  Grant("a-1");
  Report("a-1", protocol::Metric{1, "x", 1});
  Report("a-1", protocol::Metric{2, "x", 2});
  EXPECT_THAT(Sent(), SizeIs(2));
  session_->OnDisconnected("gone");
  Report("a-1", protocol::Metric{3, "x", 3});
  EXPECT_THAT(Sent(), IsEmpty());
  session_->OnConnected();
  const auto hello = link_.Take(M::kHello).back().hello();
  ASSERT_EQ(hello.held_size(), 1);
  EXPECT_EQ(hello.held(0).attempt_id(), "a-1");
  EXPECT_TRUE(hello.held(0).running());
  EXPECT_THAT(hello.held(0).slots(), ElementsAre(0));
  EXPECT_EQ(hello.held(0).spooled_sequence(), 3);
  Connect({{"a-1", 1}});
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 2), Pair("a-1", 3)));
  EXPECT_THAT(launcher_.started, SizeIs(1));
  EXPECT_THAT(launcher_.stopped, IsEmpty());
}

// Hello said that the slots are taken, so somebody must say that they are free.
TEST_F(SessionTest, AProcessThatEndsBetweenHelloAndWelcomeGivesItsSlotsBack) {
  Connect();
  Grant("a-1");
  Report("a-1", protocol::Result{});
  Ack("a-1", 1);
  session_->OnDisconnected("gone");
  session_->OnConnected();
  Close("a-1");
  link_.sent.clear();
  Receive([](auto& message) {
    message.mutable_welcome()->add_keep("a-1");
    message.mutable_welcome()->add_committed(1);
  });
  const auto closed = link_.Take(M::kClosed);
  ASSERT_THAT(closed, SizeIs(1));
  EXPECT_EQ(closed[0].closed().attempt_id(), "a-1");
  EXPECT_FALSE(HasAttempt("a-1"));
}

TEST_F(SessionTest, BoundsBatchesAndWhatIsInFlight) {
  options_.most_events = 2;
  options_.most_batches = 2;
  Restart();
  Connect();
  Grant("a-1");
  for (int i = 0; i < 7; ++i) session_->OnTrainerEvent("a-1", protocol::Metric{i, "x", 0});
  session_->Tick();
  EXPECT_THAT(link_.Take(M::kEvents), SizeIs(2));
  Ack("a-1", 2);
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 5), Pair("a-1", 6)));
  Ack("a-1", 6);
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 7)));
  Ack("a-1", 7);
  link_.busy = true;
  Report("a-1", protocol::Metric{8, "x", 0});
  EXPECT_THAT(Sent(), IsEmpty());
  link_.busy = false;
  session_->Tick();
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 8)));
}

TEST_F(SessionTest, RenewsAndDropsWhatIsNotRenewed) {
  Connect();
  Grant("a-1", 3, {0}, "t-1");
  Grant("a-2", 4, {1}, "t-2");
  Advance(seconds(9));
  EXPECT_THAT(link_.Take(M::kRenew), IsEmpty());
  Advance(seconds(1));
  const auto renews = link_.Take(M::kRenew);
  ASSERT_THAT(renews, SizeIs(1));
  ASSERT_EQ(renews[0].renew().leases_size(), 2);
  EXPECT_EQ(renews[0].renew().leases(0).attempt_id(), "a-1");
  EXPECT_EQ(renews[0].renew().leases(0).token(), 3);
  Receive([&](auto& message) {
    message.mutable_renewed()->set_nonce(renews[0].renew().nonce() + 100);  // not ours: means nothing
  });
  EXPECT_THAT(launcher_.stopped, IsEmpty());
  Receive([&](auto& message) {
    message.mutable_renewed()->set_nonce(renews[0].renew().nonce());
    message.mutable_renewed()->add_attempt_ids("a-2");
  });
  EXPECT_THAT(launcher_.stopped, ElementsAre(Pair("a-1", StopHow::kNow)));
  Report("a-1", protocol::Result{});
  EXPECT_THAT(Sent(), IsEmpty()) << "a dropped attempt hands nothing in";
  Close("a-1");
  EXPECT_THAT(link_.Take(M::kClosed), SizeIs(1));
  EXPECT_FALSE(HasAttempt("a-1"));
  EXPECT_TRUE(HasAttempt("a-2"));
}

TEST_F(SessionTest, AGrantAfterTheRenewalIsNotDroppedByItsAnswer) {
  Connect();
  Advance(seconds(10));
  const auto renews = link_.Take(M::kRenew);
  ASSERT_THAT(renews, SizeIs(1)) << "renewals are heartbeats too";
  Grant("a-1");
  Receive([&](auto& message) { message.mutable_renewed()->set_nonce(renews[0].renew().nonce()); });
  EXPECT_THAT(launcher_.stopped, IsEmpty());
}

TEST_F(SessionTest, CountsTheLeaseFromSendingTheRenewalAndThenTheOrphansTime) {
  options_.orphan_after = hours(1);
  Restart();
  Connect();
  Grant("a-1");
  Advance(seconds(10));
  const auto renews = link_.Take(M::kRenew);
  ASSERT_THAT(renews, SizeIs(1));
  Advance(seconds(5));
  Receive([&](auto& message) {
    message.mutable_renewed()->set_nonce(renews[0].renew().nonce());
    message.mutable_renewed()->add_attempt_ids("a-1");
  });
  session_->OnDisconnected("gone");
  Advance(hours(1) + seconds(55));  // 5 s after sending + 1 h 55 s: exactly at lease + orphan_after
  EXPECT_THAT(launcher_.stopped, IsEmpty());
  Advance(milliseconds(1));
  EXPECT_THAT(launcher_.stopped, ElementsAre(Pair("a-1", StopHow::kCheckpoint)));
  Report("a-1", protocol::Stopped{40, true});
  Close("a-1");
  EXPECT_TRUE(HasAttempt("a-1"));
  Connect({{"a-1", 0}});
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 1)));
  EXPECT_EQ(last_event_.returned().step(), 40);
  EXPECT_TRUE(last_event_.returned().checkpointed());
  EXPECT_THAT(last_event_.returned().reason(), HasSubstr("--orphan-after"));
}

TEST_F(SessionTest, EndsWhatWasSupersededWhileItWasAway) {
  Connect();
  Grant("a-1", 1, {0}, "t-1");
  Grant("a-2", 1, {1}, "t-2");
  session_->OnDisconnected("gone");
  Connect({{"a-2", 0}}, {"a-1"});
  EXPECT_THAT(launcher_.stopped, ElementsAre(Pair("a-1", StopHow::kNow)));
  session_->OnDisconnected("gone again");
  session_->OnConnected();
  const auto hello = link_.Take(M::kHello).back().hello();
  ASSERT_EQ(hello.held_size(), 2) << "its slots are not free yet";
  EXPECT_TRUE(hello.held(0).running());
  Close("a-1");
  EXPECT_TRUE(HasAttempt("a-1")) << "Hello said that it runs";
  Receive([](auto& message) {
    message.mutable_welcome()->add_keep("a-2");
    message.mutable_welcome()->add_stop("a-1");
  });
  EXPECT_THAT(link_.Take(M::kClosed), SizeIs(1));
  EXPECT_FALSE(HasAttempt("a-1"));
}

TEST_F(SessionTest, ASupersedingAckDropsTheAttempt) {
  Connect();
  Grant("a-1");
  MakeTrial("t-1");
  Report("a-1", protocol::Metric{1, "x", 1});
  Ack("a-1", 0, true);
  EXPECT_THAT(launcher_.stopped, ElementsAre(Pair("a-1", StopHow::kNow)));
  Close("a-1");
  EXPECT_FALSE(HasAttempt("a-1"));
  EXPECT_TRUE(HasTrial("t-1")) << "the attempt that superseded it may fail, and the trial come back here";
}

TEST_F(SessionTest, ANewAttemptOfATrialWaitsForTheOldOnesProcess) {
  Connect();
  Grant("a-1", 1, {0});
  MakeTrial("t-1");
  Grant("a-2", 2, {1});
  EXPECT_THAT(launcher_.started, SizeIs(1));
  EXPECT_THAT(launcher_.stopped, ElementsAre(Pair("a-1", StopHow::kNow)));
  Close("a-1");
  ASSERT_THAT(launcher_.started, SizeIs(2));
  EXPECT_EQ(launcher_.started[1].attempt_id, "a-2");
  EXPECT_TRUE(HasTrial("t-1")) << "the new attempt resumes from it";
}

TEST_F(SessionTest, RevokeStopsWithOrWithoutACheckpoint) {
  Connect();
  Grant("a-1", 1, {0}, "t-1");
  Grant("a-2", 9, {1}, "t-2");
  const auto revoke = [&](const std::string& id, std::int64_t token, bool checkpoint) {
    Receive([&](auto& message) {
      message.mutable_revoke()->set_attempt_id(id);
      message.mutable_revoke()->set_token(token);
      message.mutable_revoke()->set_checkpoint(checkpoint);
      message.mutable_revoke()->set_reason("because");
    });
  };
  revoke("a-1", 99, false);  // another token
  EXPECT_THAT(launcher_.stopped, IsEmpty());
  revoke("a-1", 1, true);
  revoke("a-2", 9, false);
  EXPECT_THAT(launcher_.stopped, ElementsAre(Pair("a-1", StopHow::kCheckpoint), Pair("a-2", StopHow::kNow)));
  Report("a-1", protocol::Stopped{3, true});
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 1)));
  EXPECT_EQ(last_event_.returned().reason(), "because");
  Report("a-2", protocol::Stopped{3, false});
  EXPECT_THAT(Sent(), IsEmpty());
  Close("a-2");
  EXPECT_FALSE(HasAttempt("a-2"));
}

TEST_F(SessionTest, HandsBackWhatItCannotRun) {
  Connect();
  Grant("a-1", 1, {7});
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 1)));
  EXPECT_THAT(last_event_.returned().reason(), HasSubstr("no slot 7"));
  Grant("a-2", 1, {0}, "t-2");
  Grant("a-3", 1, {0}, "t-3");
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-3", 1)));
  EXPECT_THAT(last_event_.returned().reason(), HasSubstr("taken by attempt a-2"));
  EXPECT_THAT(launcher_.started, SizeIs(1));
}

TEST_F(SessionTest, ATrialThatMayNotReadItsFilesIsBadInput) {
  options_.allow_trial = [](const Trial& trial) {
    return InvalidArgument("model: {}: outside", trial.model);
  };
  Restart();
  Connect();
  Grant("a-1", 1, {0});
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 1)));
  EXPECT_EQ(last_event_.failed().kind(), "bad_input");
  EXPECT_THAT(last_event_.failed().message(), HasSubstr("model: /"));
  EXPECT_THAT(launcher_.started, SizeIs(0));
}

TEST_F(SessionTest, ATrialItCannotReadIsBadInput) {
  Connect();
  Receive([&](auto& message) {
    message.mutable_grant()->set_attempt_id("a-1");
    message.mutable_grant()->set_trial_id("t-1");
    message.mutable_grant()->add_slots(0);
    message.mutable_grant()->set_trial_json(R"({"a_key_of_the_future": 1})");
  });
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 1)));
  EXPECT_EQ(last_event_.failed().kind(), "bad_input");
  EXPECT_THAT(link_.Take(M::kClosed), SizeIs(1));
}

TEST_F(SessionTest, AFailedStartKeepsItsSlotsForAWhile) {
  Connect();
  launcher_.refusal = Internal("no space left");
  Grant("a-1");
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 1)));
  EXPECT_THAT(last_event_.returned().reason(), HasSubstr("no space left"));
  Ack("a-1", 1);
  EXPECT_THAT(link_.Take(M::kClosed), IsEmpty());
  Advance(seconds(11));
  EXPECT_THAT(link_.Take(M::kClosed), SizeIs(1));
  EXPECT_FALSE(HasAttempt("a-1"));
}

TEST_F(SessionTest, ForwardsProgressOnceASecond) {
  Connect();
  Grant("a-1");
  Report("a-1", protocol::Progress{"training", 1, 100, 2.0, 10, 60});
  Report("a-1", protocol::Progress{"training", 2, 100, 2.0, 10, 60});
  EXPECT_THAT(link_.Take(M::kProgress), SizeIs(1));
  Advance(milliseconds(999));
  EXPECT_THAT(link_.Take(M::kProgress), IsEmpty());
  Report("a-1", protocol::Progress{"training", 3, 100, {}, 10, 60});
  Advance(milliseconds(1));
  const auto progress = link_.Take(M::kProgress);
  ASSERT_THAT(progress, SizeIs(1));
  EXPECT_EQ(progress[0].progress().step(), 3) << "the newest";
  EXPECT_FALSE(progress[0].progress().has_loss());
  EXPECT_THAT(Sent(), IsEmpty()) << "progress is not spooled";
}

TEST_F(SessionTest, ANewerSessionEndsThisOne) {
  Connect();
  Grant("a-1");
  Receive([&](auto& message) { message.mutable_replaced()->set_reason("from host-2"); });
  ASSERT_TRUE(session_->outcome().has_value());
  EXPECT_EQ(session_->outcome()->exit_code, 1);
  EXPECT_THAT(session_->outcome()->message, HasSubstr("newer session of worker " + folder_->identity()));
}

TEST_F(SessionTest, DrainsAndLeavesOnceAllIsAcknowledged) {
  Connect();
  Grant("a-1");
  session_->Drain("asked");
  session_->Tick();
  EXPECT_THAT(link_.Take(M::kDraining), SizeIs(1));
  EXPECT_THAT(launcher_.stopped, ElementsAre(Pair("a-1", StopHow::kCheckpoint)));
  Grant("a-2", 1, {1}, "t-2");  // crossed on the wire
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-2", 1)));
  EXPECT_EQ(last_event_.returned().reason(), "the worker drains");
  Ack("a-2", 1);
  MakeTrial("t-1");
  Report("a-1", protocol::CheckpointSaved{7});
  Report("a-1", protocol::Stopped{7, true});
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 1), Pair("a-1", 2)));
  EXPECT_EQ(last_event_.returned().reason(), "asked");
  Close("a-1");
  EXPECT_FALSE(session_->outcome().has_value());
  Ack("a-1", 2);
  ASSERT_TRUE(session_->outcome().has_value());
  EXPECT_EQ(session_->outcome()->exit_code, 0);
  EXPECT_TRUE(HasTrial("t-1")) << "the next attempt resumes from it";
}

TEST_F(SessionTest, DrainingHasALimitAndIsSaidInHello) {
  Connect();
  Grant("a-1");
  session_->OnDisconnected("gone");
  session_->Drain("asked");
  session_->OnConnected();
  EXPECT_TRUE(link_.Take(M::kHello).back().hello().draining());
  Advance(seconds(59));
  EXPECT_FALSE(session_->outcome().has_value());
  Advance(seconds(1));
  ASSERT_TRUE(session_->outcome().has_value());
  EXPECT_EQ(session_->outcome()->exit_code, 0);
  EXPECT_THAT(session_->outcome()->message, HasSubstr("1 attempt(s)"));
}

TEST_F(SessionTest, AskedByTheCoordinatorItHandsBackAndStays) {
  Connect();
  Grant("a-1");
  Receive([&](auto& message) { message.mutable_drain(); });
  EXPECT_THAT(launcher_.stopped, ElementsAre(Pair("a-1", StopHow::kCheckpoint)));
  EXPECT_THAT(link_.Take(M::kDraining), IsEmpty()) << "the coordinator knows";
  Report("a-1", protocol::Stopped{0, false});
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 1)));
  EXPECT_EQ(last_event_.returned().reason(), "this worker was asked to drain");
  Close("a-1");
  Ack("a-1", 1);
  Advance(seconds(100));
  EXPECT_FALSE(session_->outcome().has_value());
  Grant("a-2", 1, {0}, "t-2");  // once it is undone
  ASSERT_THAT(launcher_.started, SizeIs(2));
  EXPECT_EQ(launcher_.started[1].attempt_id, "a-2");
}

TEST_F(SessionTest, BreaksAStreamThatHasGoneSilent) {
  Connect();
  Advance(seconds(60));
  EXPECT_THAT(link_.resets, IsEmpty());
  Advance(seconds(1));
  EXPECT_THAT(link_.resets, SizeIs(1));
}

TEST_F(SessionTest, HandsInAResultAfterTheWorkersOwnDeath) {
  Connect();
  Grant("a-1", 6);
  MakeTrial("t-1");
  Report("a-1", protocol::Metric{1, "x", 1});
  Report("a-1", protocol::Result{});
  Restart();
  session_->OnConnected();
  const auto hello = link_.Take(M::kHello).back().hello();
  ASSERT_EQ(hello.held_size(), 1);
  EXPECT_FALSE(hello.held(0).running());
  EXPECT_EQ(hello.held(0).token(), 6);
  EXPECT_EQ(hello.held(0).spooled_sequence(), 2);
  Connect({{"a-1", 1}});
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 2)));
  EXPECT_TRUE(last_event_.has_result());
  Ack("a-1", 2);
  EXPECT_FALSE(HasAttempt("a-1"));
  EXPECT_FALSE(HasTrial("t-1"));
}

TEST_F(SessionTest, HandsBackWhatItsDeathInterrupted) {
  Connect();
  Grant("a-1");
  MakeTrial("t-1");
  Report("a-1", protocol::CheckpointSaved{12});
  Report("a-1", protocol::Metric{13, "x", 1});
  Restart();
  Connect({{"a-1", 0}});
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 1), Pair("a-1", 2), Pair("a-1", 3)));
  EXPECT_EQ(last_event_.returned().step(), 12);
  EXPECT_TRUE(last_event_.returned().checkpointed());
  Ack("a-1", 3);
  EXPECT_FALSE(HasAttempt("a-1"));
  EXPECT_TRUE(HasTrial("t-1"));
  EXPECT_THAT(launcher_.started, IsEmpty());
}

TEST_F(SessionTest, MemoryThatRanOutIsHandedOn) {
  Connect();
  Grant("a-1");
  Report("a-1", protocol::OutOfMemory{"training", 3, 4, 2, "1 GiB"});
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 1)));
  EXPECT_EQ(last_event_.out_of_memory().phase(), "training");
  EXPECT_EQ(last_event_.out_of_memory().step(), 3);
  EXPECT_EQ(last_event_.out_of_memory().micro_batch_size(), 4);
  EXPECT_EQ(last_event_.out_of_memory().parts(), 2);
  EXPECT_EQ(last_event_.out_of_memory().message(), "1 GiB");
}

TEST_F(SessionTest, PermanentFailuresLeaveNoCheckpointsBehind) {
  Connect();
  for (const char* kind : {"diverged", "crashed"}) {
    const std::string id = std::string("a-") + kind, trial = std::string("t-") + kind;
    Grant(id, 1, {0}, trial);
    MakeTrial(trial);
    Report(id, protocol::Failed{kind, "so it is"});
    Close(id);
    Ack(id, 1);
    EXPECT_FALSE(HasAttempt(id));
  }
  EXPECT_FALSE(HasTrial("t-diverged"));
  EXPECT_TRUE(HasTrial("t-crashed"));
}

TEST_F(SessionTest, ACoordinatorThatForgotWhatItHadIsNotSentAHole) {
  Connect();
  Grant("a-1");
  Report("a-1", protocol::Metric{1, "x", 1});
  Report("a-1", protocol::Metric{2, "x", 1});
  Ack("a-1", 2);
  session_->OnDisconnected("gone");
  link_.sent.clear();
  Connect({{"a-1", 0}});  // restored from an older copy
  EXPECT_THAT(launcher_.stopped, ElementsAre(Pair("a-1", StopHow::kNow)));
  EXPECT_THAT(Sent(), IsEmpty());
}

TEST_F(SessionTest, IgnoresRepeatsAndStrangers) {
  Connect();
  Grant("a-1");
  Grant("a-1");
  EXPECT_THAT(launcher_.started, SizeIs(1));
  Ack("a-unknown", 3);
  Report("a-unknown", protocol::Result{});
  Close("a-unknown");
  Receive([&](auto&) {});  // a kind that this version does not know
  EXPECT_FALSE(session_->outcome().has_value());
  Grant("a-2", 1, {1}, "../../etc");
  ASSERT_TRUE(session_->outcome().has_value());
}

TEST_F(SessionTest, AttemptsTakeTurnsAndRenewalsGoFirst) {
  options_.most_events = 1;
  options_.most_batches = 4;
  options_.most_batches_each = 2;
  Restart();
  Connect();
  Grant("a-1", 1, {0}, "t-1");
  Grant("a-2", 1, {1}, "t-2");
  link_.sent.clear();
  for (int i = 0; i < 10; ++i) session_->OnTrainerEvent("a-1", protocol::Metric{i, "x", 0});
  session_->OnTrainerEvent("a-2", protocol::Metric{1, "x", 0});
  session_->OnTrainerEvent("a-2", protocol::Result{});
  Advance(seconds(10));
  ASSERT_THAT(link_.sent, Not(IsEmpty()));
  EXPECT_TRUE(link_.sent.front().has_renew());
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 1), Pair("a-2", 1), Pair("a-1", 2), Pair("a-2", 2)));
  Ack("a-1", 1);
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 3)));
}

// Where the whole window is full, whoever waited longest is next.
TEST_F(SessionTest, ATurnIsKeptForWhoeverWaits) {
  options_.most_events = 1;
  options_.most_batches = options_.most_batches_each = 1;
  Restart();
  Connect();
  Grant("a-1", 1, {0}, "t-1");
  Grant("a-2", 1, {1}, "t-2");
  for (const char* id : {"a-1", "a-1", "a-1", "a-2"})
    session_->OnTrainerEvent(id, protocol::Metric{1, "x", 0});
  session_->Tick();
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 1)));
  Ack("a-1", 1);
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-2", 1)));
  Ack("a-2", 1);
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 2)));
}

TEST_F(SessionTest, CheckpointsGoWithTheirTrialOnly) {
  Connect();
  Grant("a-1", 1, {0}, "t-1");
  Grant("a-2", 1, {1}, "t-2");
  for (const char* id : {"a-1", "a-2"}) {
    Receive([&](auto& message) {
      message.mutable_revoke()->set_attempt_id(id);
      message.mutable_revoke()->set_token(1);
      message.mutable_revoke()->set_trial_over(std::string(id) == "a-2");
    });
    Close(id);
    EXPECT_FALSE(HasAttempt(id));
  }
  EXPECT_TRUE(HasTrial("t-1")) << "superseded: it may come back here";
  EXPECT_FALSE(HasTrial("t-2")) << "cancelled";
}

TEST_F(SessionTest, OldTrialsAreRemovedWhileTheWorkerRuns) {
  Connect();
  MakeTrial("t-old");
  std::filesystem::last_write_time(*folder_->TrialFolder("t-old"),
                                   std::filesystem::file_time_type::clock::now() - hours(24 * 8));
  Advance(hours(23));
  EXPECT_TRUE(HasTrial("t-old"));
  Advance(hours(2));
  EXPECT_FALSE(HasTrial("t-old"));
}

}  // namespace
}  // namespace lorikeet::agent
