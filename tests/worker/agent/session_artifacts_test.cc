// Which checkpoints and adapters travel, and what waits for them.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/worker/agent/session_fixture.h"

namespace lorikeet::agent {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
namespace fs = std::filesystem;

Trial OfMethod(Method method) {
  Trial trial = SmallTrial();
  trial.method = method;
  trial.configuration = MethodName(method);
  trial.train.epochs = 1;
  trial.train.learning_rate = 1e-3;
  trial.lora.rank = 4;
  trial.prompt.tokens = 4;
  return trial;
}

class SessionArtifactsTest : public SessionTest {
 protected:
  void GrantOf(Method method, const std::string& id = "a-1", std::int64_t token = 1,
               std::int64_t checkpoint = 0) {
    Grant(id, token, {0}, "t-1", OfMethod(method), {}, checkpoint);
  }
  std::string Trial() const { return folder_->path() + "/trials/t-1"; }
  void Put(const std::string& path) const {
    fs::create_directories(fs::path(Trial() + "/" + path).parent_path());
    std::ofstream(Trial() + "/" + path) << "x";
  }
  // The attempt comes to its result, and the coordinator has it.
  void Succeed(const std::string& id = "a-1") {
    Report(id, protocol::Result{});
    Close(id);
    Ack(id, 1);
  }
};

TEST_F(SessionArtifactsTest, CheckpointsOfAdaptersAreSent) {
  Connect();
  GrantOf(Method::kLora);
  Report("a-1", protocol::CheckpointSaved{20});
  ASSERT_THAT(artifacts_.checkpoints, SizeIs(1));
  const ArtifactOf& sent = artifacts_.checkpoints[0];
  EXPECT_EQ(sent.attempt_id, "a-1");
  EXPECT_EQ(sent.trial_id, "t-1");
  EXPECT_EQ(sent.token, 1);
  EXPECT_EQ(sent.step, 20);
  EXPECT_EQ(sent.trial_folder, Trial());
  Report("a-1", protocol::CheckpointSaved{40});
  EXPECT_EQ(artifacts_.checkpoints.back().step, 40);
}

TEST_F(SessionArtifactsTest, ThoseOfAWholeModelAreNot) {
  Connect();
  GrantOf(Method::kFull);
  Report("a-1", protocol::CheckpointSaved{20});
  EXPECT_THAT(artifacts_.checkpoints, IsEmpty());
}

TEST_F(SessionArtifactsTest, ATrialWaitsForItsCheckpoint) {
  Connect();
  GrantOf(Method::kLora, "a-2", 2, /*checkpoint=*/1);
  ASSERT_THAT(artifacts_.fetches, SizeIs(1));
  EXPECT_EQ(artifacts_.fetches[0].attempt_id, "a-2");
  EXPECT_EQ(artifacts_.fetches[0].token, 2);
  EXPECT_TRUE(fs::is_directory(Trial()));
  EXPECT_THAT(launcher_.started, IsEmpty());
  Advance(seconds(5));
  EXPECT_THAT(launcher_.started, IsEmpty());
  session_->OnCheckpointFetched("a-2", absl::OkStatus());
  EXPECT_THAT(launcher_.started, SizeIs(1));
  session_->OnCheckpointFetched("a-2", absl::OkStatus());
  EXPECT_THAT(launcher_.started, SizeIs(1)) << "told twice";
}

TEST_F(SessionArtifactsTest, WithoutItATrialStartsFromWhatIsHere) {
  Connect();
  GrantOf(Method::kLora, "a-2", 2, 1);
  session_->OnCheckpointFetched("a-2", NotFound("a file of the artifact is gone"));
  EXPECT_THAT(launcher_.started, SizeIs(1));
  session_->Tick();
  EXPECT_THAT(Sent(), SizeIs(1));
  EXPECT_EQ(last_event_.log().level(), "warning");
  EXPECT_THAT(last_event_.log().message(), HasSubstr("a file of the artifact is gone"));
}

TEST_F(SessionArtifactsTest, ATrialWhoseCheckpointCannotBeHadNowDoesNotStartAnew) {
  Connect();
  GrantOf(Method::kLora, "a-2", 2, 1);
  session_->OnCheckpointFetched("a-2", Unavailable("no route to host"));
  session_->Tick();
  EXPECT_THAT(launcher_.started, IsEmpty());
  EXPECT_THAT(Sent(), SizeIs(1));
  EXPECT_THAT(last_event_.returned().reason(), HasSubstr("no route to host"));
  EXPECT_FALSE(last_event_.returned().not_started()) << "no fault of this host's";
  Ack("a-2", 1);
  EXPECT_FALSE(HasAttempt("a-2"));
}

TEST_F(SessionArtifactsTest, ATrialDoesNotWaitForItsCheckpointForEver) {
  Connect();
  GrantOf(Method::kLora, "a-2", 2, 1);
  Advance(options_.prepare_limit - seconds(1));
  EXPECT_THAT(artifacts_.forgotten, IsEmpty());
  Advance(seconds(1));
  EXPECT_THAT(artifacts_.forgotten, Contains("a-2"));
  session_->Tick();
  EXPECT_THAT(Sent(), SizeIs(1));
  EXPECT_THAT(last_event_.returned().reason(), HasSubstr("--prepare-limit"));
  EXPECT_FALSE(last_event_.returned().not_started());
  session_->OnCheckpointFetched("a-2", absl::OkStatus());
  EXPECT_THAT(launcher_.started, IsEmpty());
}

TEST_F(SessionArtifactsTest, NothingIsLeftOfAFetchForATrialThatIsOver) {
  Connect();
  GrantOf(Method::kLora, "a-2", 2, 1);
  Receive([](auto& message) {
    message.mutable_revoke()->set_attempt_id("a-2");
    message.mutable_revoke()->set_token(2);
    message.mutable_revoke()->set_trial_over(true);
  });
  EXPECT_FALSE(HasTrial("t-1"));
  EXPECT_THAT(artifacts_.forgotten, Contains("a-2"));
  Put("fetched/state-1.safetensors");  // which was being written meanwhile
  session_->OnCheckpointFetched("a-2", absl::CancelledError(""));
  EXPECT_FALSE(HasTrial("t-1"));
}

TEST_F(SessionArtifactsTest, WhatThisHostHasIsNotFetched) {
  Connect();
  Put("checkpoint/state-3.safetensors");
  GrantOf(Method::kLora, "a-4", 4, /*checkpoint=*/3);
  EXPECT_THAT(artifacts_.fetches, IsEmpty());
  EXPECT_THAT(launcher_.started, SizeIs(1));
}

TEST_F(SessionArtifactsTest, WhatIsOlderHereIs) {
  Connect();
  Put("checkpoint/state-2.safetensors");
  Put("checkpoint/state-9.safetensors.tmp.1");
  Put("checkpoint/done-9");
  GrantOf(Method::kLora, "a-4", 4, /*checkpoint=*/3);
  EXPECT_THAT(artifacts_.fetches, SizeIs(1));
}

TEST_F(SessionArtifactsTest, ADroppedAttemptDoesNotStartWhenItsCheckpointIsHere) {
  Connect();
  GrantOf(Method::kLora, "a-2", 2, 1);
  Ack("a-2", 0, /*superseded=*/true);
  session_->OnCheckpointFetched("a-2", absl::OkStatus());
  session_->Tick();
  EXPECT_THAT(launcher_.started, IsEmpty());
}

TEST_F(SessionArtifactsTest, ADrainHandsBackWhatWaits) {
  Connect();
  GrantOf(Method::kLora, "a-2", 2, 1);
  session_->Drain("asked to");
  session_->Tick();
  EXPECT_THAT(Sent(), SizeIs(1));
  EXPECT_TRUE(last_event_.has_returned());
  session_->OnCheckpointFetched("a-2", absl::OkStatus());
  EXPECT_THAT(launcher_.started, IsEmpty());
}

TEST_F(SessionArtifactsTest, TheAdapterIsSentOnceItsResultIsTheCoordinators) {
  Connect();
  GrantOf(Method::kLora);
  Put("kept/adapter_config.json");
  Report("a-1", protocol::Result{});
  Close("a-1");
  EXPECT_THAT(artifacts_.adapters, IsEmpty());
  Ack("a-1", 1);
  ASSERT_THAT(artifacts_.adapters, SizeIs(1));
  EXPECT_EQ(artifacts_.adapters[0].trial_folder, Trial());
  EXPECT_THAT(artifacts_.forgotten, Contains("a-1"));
  EXPECT_FALSE(HasAttempt("a-1")) << "a result does not wait for its adapter";
  EXPECT_TRUE(HasTrial("t-1"));
  session_->OnAdapterSent("a-1", absl::OkStatus());
  EXPECT_FALSE(HasTrial("t-1"));
  EXPECT_TRUE(fs::is_empty(folder_->path() + "/adapters"));
}

TEST_F(SessionArtifactsTest, AWorkerThatIsStartedAgainSendsIt) {
  Connect();
  GrantOf(Method::kLora);
  Put("kept/adapter_config.json");
  Succeed();
  PowerCut();
  ASSERT_THAT(artifacts_.adapters, SizeIs(2));
  EXPECT_EQ(artifacts_.adapters[1].attempt_id, "a-1");
  EXPECT_EQ(artifacts_.adapters[1].token, 1);
  EXPECT_TRUE(HasTrial("t-1"));
  session_->OnAdapterSent("a-1", absl::OkStatus());
  EXPECT_FALSE(HasTrial("t-1"));
  Restart();
  EXPECT_THAT(artifacts_.adapters, SizeIs(2));
}

TEST_F(SessionArtifactsTest, AnAdapterThatCannotBeReadNowIsNotGone) {
  Connect();
  GrantOf(Method::kLora);
  Put("kept/adapter_config.json");
  disk_.unreadable = {"adapter_config.json"};
  Succeed();
  EXPECT_THAT(artifacts_.adapters, SizeIs(1));
  EXPECT_TRUE(HasTrial("t-1"));
  disk_.unreadable = {"/adapters/a-1"};
  Restart();
  EXPECT_THAT(artifacts_.adapters, SizeIs(1));
  disk_.unreadable = {"adapter_config.json"};
  Restart();
  EXPECT_THAT(artifacts_.adapters, SizeIs(2));
}

TEST_F(SessionArtifactsTest, ARefusedAdapterStaysForAWeek) {
  Connect();
  GrantOf(Method::kLora);
  Put("kept/adapter_config.json");
  Succeed();
  session_->OnAdapterSent("a-1", InvalidArgument("it is too large"));
  EXPECT_TRUE(HasTrial("t-1"));
  EXPECT_TRUE(fs::is_empty(folder_->path() + "/adapters"));
}

TEST_F(SessionArtifactsTest, AnAdapterWhoseAckWasLostIsSentToo) {
  Connect();
  GrantOf(Method::kLora);
  Put("kept/adapter_config.json");
  Report("a-1", protocol::Result{});
  Close("a-1");
  session_->OnDisconnected("gone");
  Connect();  // the coordinator has its result, and does not know it any more
  EXPECT_FALSE(HasAttempt("a-1"));
  ASSERT_THAT(artifacts_.adapters, SizeIs(1));
  session_->OnAdapterSent("a-1", absl::OkStatus());
  EXPECT_FALSE(HasTrial("t-1"));
}

TEST_F(SessionArtifactsTest, AnAdapterThatIsNotWantedGoes) {
  Connect();
  GrantOf(Method::kLora);
  Put("kept/adapter_config.json");
  Report("a-1", protocol::Result{});
  Close("a-1");
  Ack("a-1", 0, /*superseded=*/true);
  ASSERT_THAT(artifacts_.adapters, SizeIs(1));
  session_->OnAdapterSent("a-1", Aborted("stale"));
  EXPECT_FALSE(HasTrial("t-1"));
}

TEST_F(SessionArtifactsTest, AWholeModelIsNoAdapter) {
  Connect();
  GrantOf(Method::kFull);
  Put("kept/config.json");
  Succeed();
  EXPECT_THAT(artifacts_.adapters, IsEmpty());
  EXPECT_FALSE(HasTrial("t-1"));
}

TEST_F(SessionArtifactsTest, ADrainWaitsForAdaptersAsLongAsForTheRest) {
  Connect();
  GrantOf(Method::kLora);
  Put("kept/adapter_config.json");
  Succeed();
  session_->Drain("asked to");
  session_->Tick();
  EXPECT_FALSE(session_->outcome());
  session_->OnAdapterSent("a-1", absl::OkStatus());
  session_->Tick();
  ASSERT_TRUE(session_->outcome());
  EXPECT_EQ(session_->outcome()->message, "");
}

TEST_F(SessionArtifactsTest, ADrainDoesNotWaitForThemForEver) {
  Connect();
  GrantOf(Method::kLora);
  Put("kept/adapter_config.json");
  Succeed();
  session_->Drain("asked to");
  Advance(options_.drain_limit + seconds(1));
  ASSERT_TRUE(session_->outcome());
  EXPECT_THAT(session_->outcome()->message, HasSubstr("1 adapter(s) not sent"));
}

TEST_F(SessionArtifactsTest, WholeModelsKeepTheirCheckpointsInTheSharedFolder) {
  TempFolder shared;
  options_.shared_checkpoints = shared.path();
  Restart();
  Connect();
  GrantOf(Method::kFull);
  ASSERT_THAT(launcher_.started, SizeIs(1));
  EXPECT_EQ(launcher_.started[0].checkpoint_folder, shared.path() + "/t-1");
  Grant("a-2", 1, {1}, "t-2", OfMethod(Method::kLora));
  EXPECT_EQ(launcher_.started[1].checkpoint_folder, "") << "those of adapters go to the coordinator";
  // A failure that is final leaves nothing there.
  fs::create_directories(shared.path() + "/t-1");
  std::ofstream(shared.path() + "/t-1/state-1.safetensors") << "x";
  Report("a-1", protocol::Failed{"diverged", "no number"});
  Close("a-1");
  Ack("a-1", 1);
  EXPECT_FALSE(fs::exists(shared.path() + "/t-1"));
}

TEST_F(SessionArtifactsTest, InTheSharedFolderWhatIsOfALaterAttemptStays) {
  TempFolder shared;
  options_.shared_checkpoints = shared.path();
  Restart();
  Connect();
  GrantOf(Method::kFull, "a-2", 2);
  const std::string folder = shared.path() + "/t-1/";
  fs::create_directories(folder);
  for (const char* name : {"state-1.safetensors", "best-2-7.safetensors", "state-2.safetensors.tmp.1",
                           "state-2.safetensors", "best-3-9.safetensors", "state-3.safetensors"})
    std::ofstream(folder + name) << "x";
  Report("a-2", protocol::Failed{"diverged", "no number"});  // which does not count any more
  Close("a-2");
  Ack("a-2", 1);
  EXPECT_FALSE(HasAttempt("a-2"));
  EXPECT_TRUE(fs::exists(folder + "state-3.safetensors")) << "another host trains on from it";
  EXPECT_TRUE(fs::exists(folder + "best-3-9.safetensors"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 2);
}

TEST_F(SessionArtifactsTest, TheSharedFolderKeepsWordOfAResult) {
  TempFolder shared;
  options_.shared_checkpoints = shared.path();
  Restart();
  Connect();
  GrantOf(Method::kFull);
  fs::create_directories(shared.path() + "/t-1");
  std::ofstream(shared.path() + "/t-1/done-1") << "";
  fs::create_directories(shared.path() + "/other");
  Succeed();
  EXPECT_TRUE(fs::exists(shared.path() + "/t-1/done-1")) << "for an attempt that wakes up late";
  // What nobody has touched for a week goes, and nothing that is not ours.
  const auto old = fs::file_time_type::clock::now() - hours(24 * 8);
  fs::last_write_time(shared.path() + "/t-1", old);
  fs::last_write_time(shared.path() + "/other", old);
  Restart();
  EXPECT_FALSE(fs::exists(shared.path() + "/t-1"));
  EXPECT_TRUE(fs::exists(shared.path() + "/other"));
}

}  // namespace
}  // namespace lorikeet::agent
