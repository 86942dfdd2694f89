// The session on disks that are full, fail, or lose their power.
#include <gmock/gmock.h>

#include "tests/worker/agent/session_fixture.h"

namespace lorikeet::agent {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using M = v1::WorkerMessage;

class SessionDiskTest : public SessionTest {
 protected:
  void Metrics(const std::string& id, int count) {
    for (int i = 0; i < count; ++i) session_->OnTrainerEvent(id, protocol::Metric{i, "x", 1});
    session_->Tick();
  }
};

TEST_F(SessionDiskTest, AFullDiskRefusesAGrantAndNothingElse) {
  Connect();
  Grant("a-1", 1, {0}, "t-1");
  disk_.full = true;
  Grant("a-2", 1, {1}, "t-2");
  ASSERT_FALSE(session_->outcome().has_value()) << session_->outcome()->message;
  EXPECT_THAT(launcher_.started, SizeIs(1));
  EXPECT_THAT(launcher_.stopped, IsEmpty());
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-2", 1)));
  EXPECT_THAT(last_event_.returned().reason(), HasSubstr("No space left"));
  // Nobody heard it: it is said again.
  session_->OnDisconnected("gone");
  Connect({{"a-1", 0}, {"a-2", 0}});
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-2", 1)));
  EXPECT_TRUE(last_event_.has_returned());
  Ack("a-2", 1);
  EXPECT_THAT(link_.Take(M::kClosed), IsEmpty()) << "its slots are kept for a while";
  Advance(seconds(11));
  const auto closed = link_.Take(M::kClosed);
  ASSERT_THAT(closed, SizeIs(1));
  EXPECT_EQ(closed[0].closed().attempt_id(), "a-2");
  disk_.full = false;
  Report("a-1", protocol::Result{});
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 1)));
}

TEST_F(SessionDiskTest, ARefusedGrantIsForgottenByARestart) {
  Connect();
  disk_.full = true;
  Grant("a-1");
  disk_.full = false;
  Restart();
  session_->OnConnected();
  EXPECT_EQ(link_.Take(M::kHello).back().hello().held_size(), 0);
}

TEST_F(SessionDiskTest, WhatAFullDiskDoesNotTakeIsSentFromMemory) {
  Connect();
  Grant("a-1");
  Metrics("a-1", 2);
  Ack("a-1", 2);
  disk_.full = true;
  Metrics("a-1", 2);
  Report("a-1", protocol::Result{});
  EXPECT_FALSE(session_->outcome().has_value());
  EXPECT_THAT(launcher_.stopped, IsEmpty());
  EXPECT_THAT(Sent(), SizeIs(5));
  EXPECT_TRUE(last_event_.has_result());
  Close("a-1");
  Ack("a-1", 5);
  EXPECT_FALSE(HasAttempt("a-1"));
}

TEST_F(SessionDiskTest, WhatWaitedIsOnDiskOnceThereIsRoom) {
  Connect();
  Grant("a-1");
  Metrics("a-1", 1);
  session_->OnDisconnected("gone");
  disk_.full = true;
  Metrics("a-1", 3);
  Report("a-1", protocol::Result{});
  disk_.full = false;
  Advance(seconds(1));
  PowerCut();
  Connect({{"a-1", 1}});
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 2), Pair("a-1", 3), Pair("a-1", 4), Pair("a-1", 5)));
  EXPECT_TRUE(last_event_.has_result());
}

// The coordinator took from memory what is not on disk: the file must not go on behind a hole.
TEST_F(SessionDiskTest, WhatWasAcknowledgedFromMemoryLeavesNoHole) {
  Connect();
  Grant("a-1");
  Metrics("a-1", 1);
  disk_.full = true;
  Metrics("a-1", 3);
  Ack("a-1", 3);
  disk_.full = false;
  Advance(seconds(1));
  Report("a-1", protocol::Result{});
  Restart();
  Connect({{"a-1", 3}});
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 4), Pair("a-1", 5)));
  EXPECT_TRUE(last_event_.has_result());
}

TEST_F(SessionDiskTest, ATrainerWaitsWhenTooMuchWaitsInMemory) {
  options_.most_waiting_bytes = 200;
  Restart();
  Connect();
  Grant("a-1");
  session_->OnDisconnected("gone");
  disk_.full = true;
  Metrics("a-1", 2);
  EXPECT_THAT(launcher_.held, IsEmpty());
  Metrics("a-1", 30);
  EXPECT_THAT(launcher_.held, ElementsAre("a-1"));
  Report("a-1", protocol::Result{});
  disk_.full = false;
  Advance(seconds(1));
  EXPECT_THAT(launcher_.held, IsEmpty());
  Connect({{"a-1", 0}});
  EXPECT_THAT(Sent(), SizeIs(33));
  EXPECT_TRUE(last_event_.has_result());
}

TEST_F(SessionDiskTest, ATrainerIsReadAgainWhenTheCoordinatorTakesWhatWaits) {
  options_.most_waiting_bytes = 200;
  Restart();
  Connect();
  Grant("a-1");
  disk_.full = true;
  Metrics("a-1", 30);
  EXPECT_THAT(launcher_.held, ElementsAre("a-1"));
  Ack("a-1", 30);
  EXPECT_THAT(launcher_.held, IsEmpty());
}

TEST_F(SessionDiskTest, ABrokenSpoolLosesItsOwnAttemptAlone) {
  Connect();
  Grant("a-1", 1, {0}, "t-1");
  Grant("a-2", 1, {1}, "t-2");
  Report("a-1", protocol::CheckpointSaved{7});
  Sent();
  disk_.failing.insert("a-1/spool");
  Metrics("a-1", 1);
  EXPECT_FALSE(session_->outcome().has_value());
  EXPECT_THAT(launcher_.stopped, ElementsAre(Pair("a-1", StopHow::kNow)));
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 2)));
  EXPECT_THAT(last_event_.returned().reason(), HasSubstr("Input/output error"));
  EXPECT_EQ(last_event_.returned().step(), 7);
  const std::int64_t failures = disk_.failures;
  Report("a-1", protocol::Result{});
  Metrics("a-2", 1);
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-2", 1)));
  EXPECT_EQ(disk_.failures, failures) << "nobody trusts that file again";
  Close("a-1");
  Ack("a-1", 2);
  EXPECT_FALSE(HasAttempt("a-1"));
  EXPECT_TRUE(HasTrial("t-1")) << "the next attempt resumes from it";
}

// What was sent may be committed or not; only Welcome knows.
TEST_F(SessionDiskTest, ABrokenSpoolsLastWordCountsFromWhatIsCommitted) {
  Connect();
  Grant("a-1");
  Metrics("a-1", 3);
  disk_.failing.insert("a-1/spool");
  session_->OnDisconnected("gone");
  Metrics("a-1", 1);
  for (const std::int64_t committed : {0, 2, 3}) {
    link_.sent.clear();
    Connect({{"a-1", committed}});
    EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", committed + 1)));
    EXPECT_TRUE(last_event_.has_returned());
    session_->OnDisconnected("gone");
  }
}

TEST_F(SessionDiskTest, AResultThatWasNotSyncedIsNoResult) {
  Connect();
  Grant("a-1");
  disk_.full_fsync = true;
  Report("a-1", protocol::Result{});
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 1)));
  EXPECT_TRUE(last_event_.has_returned());
  disk_.full_fsync = false;
  Restart();
  Connect({{"a-1", 0}});
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 1)));
  EXPECT_TRUE(last_event_.has_returned()) << "after a restart neither";
}

TEST_F(SessionDiskTest, ASpoolThatCannotBeReadIsHandedBack) {
  Connect();
  Grant("a-1");
  session_->OnDisconnected("gone");
  Metrics("a-1", 2);
  disk_.unreadable.insert("a-1/spool");
  Connect({{"a-1", 0}});
  session_->Tick();
  EXPECT_THAT(Sent(), ElementsAre(Pair("a-1", 1)));
  EXPECT_TRUE(last_event_.has_returned());
}

TEST_F(SessionDiskTest, TheWorkerEndsWhereItsFolderCannotBeWritten) {
  Connect();
  Grant("a-1");
  disk_.failing.insert(folder_->path());
  Metrics("a-1", 1);
  ASSERT_TRUE(session_->outcome().has_value());
  EXPECT_EQ(session_->outcome()->exit_code, 1);
  EXPECT_THAT(session_->outcome()->message, HasSubstr("Input/output error"));
}

// The coordinator had events that the disk had not yet, whose numbers the restart gave again.
TEST_F(SessionDiskTest, APowerCutDoesNotHideTheLastWord) {
  for (int i = 0; i < 30; ++i) {
    const std::string id = "a-" + std::to_string(i);
    Connect();
    Grant(id);
    Metrics(id, 3);
    EXPECT_THAT(Sent(), SizeIs(3));
    PowerCut();
    Connect({{id, 3}});
    EXPECT_THAT(Sent(), ElementsAre(Pair(id, 4)));
    EXPECT_TRUE(last_event_.has_returned());
    // On disk too, and under its number.
    PowerCut();
    Connect({{id, 3}});
    EXPECT_THAT(Sent(), ElementsAre(Pair(id, 4)));
    Ack(id, 4);
    EXPECT_FALSE(HasAttempt(id));
  }
}

TEST_F(SessionDiskTest, APowerCutLeavesWhatWasGranted) {
  for (int i = 0; i < 30; ++i) {
    const std::string id = "a-" + std::to_string(i), trial = "t-" + std::to_string(i);
    Connect();
    Grant(id, 1, {0}, trial);
    PowerCut();
    EXPECT_TRUE(HasAttempt(id));
    EXPECT_TRUE(HasTrial(trial));
  }
}

}  // namespace
}  // namespace lorikeet::agent
