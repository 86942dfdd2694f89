// The whole worker against a coordinator on a real port; shell scripts stand in for sweep-trainer.
#include "worker/agent/worker.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <thread>

#include "common/files.h"
#include "common/rpc/token.h"
#include "tests/worker/agent/fake_coordinator.h"
#include "tests/worker/agent/fakes.h"

namespace lorikeet::agent {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

class WorkerTest : public testing::Test {
 protected:
  WorkerTest() : coordinator_("secret") {
    EXPECT_TRUE(WriteFileAtomically(temp_.path() + "/token", "secret\n", 0600).ok());
    options_.coordinator = coordinator_.address();
    options_.folder = temp_.path() + "/worker";
    options_.token_file = temp_.path() + "/token";
    options_.slots.devices = *ParseDevices("cpu");
    options_.slots.slots = 2;
    options_.trainer = temp_.path() + "/trainer";
    options_.drain_limit = seconds(20);
  }
  ~WorkerTest() override {
    if (!thread_.joinable()) return;
    worker_->Stop();
    worker_->Stop();
    thread_.join();
  }

  void Trainer(const std::string& body) {
    const std::string script =
        "#!/bin/sh\nwhile [ $# -gt 0 ]; do case \"$1\" in --attempt) ATTEMPT=$2;; --out) OUT=$2;; esac; "
        "shift; done\n"
        "say() { printf '%s\\n' \"$1\" | sed \"s/ATTEMPT/$ATTEMPT/\"; }\necho started >> $OUT/starts\n" +
        body + "\n";
    ASSERT_TRUE(WriteFileAtomically(options_.trainer, script, 0755).ok());
    chmod(options_.trainer.c_str(), 0755);
  }
  static std::string Say(const protocol::Event& event) {
    return "say '" + protocol::ToLine({"ATTEMPT", event}) + "'\n";
  }

  void StartWorker() {
    auto worker = Worker::Create(options_, RealDevices(), RealDisk(), RealClock(), SystemRandom());
    ASSERT_TRUE(worker.ok()) << worker.status();
    worker_ = *std::move(worker);
    thread_ = std::thread([this] { outcome_ = worker_->Run(); });
  }
  // Waits for the worker's own end.
  Outcome Join() {
    thread_.join();
    worker_.reset();
    return outcome_;
  }

  void Grant(const std::string& id, const std::string& trial = "t-1", const std::string& model = "") {
    v1::CoordinatorMessage message;
    v1::Grant& grant = *message.mutable_grant();
    grant.set_attempt_id(id);
    grant.set_token(1);
    grant.set_trial_id(trial);
    grant.set_trial_json(ToJson(SmallTrial()));
    grant.add_slots(0);
    if (!model.empty()) {
      v1::Fingerprint& expected = *grant.add_fingerprints();
      expected.set_name("model");
      expected.set_value(model);
    }
    ASSERT_TRUE(coordinator_.Eventually([&] { return coordinator_.welcomed; }));
    ASSERT_TRUE(coordinator_.Send(message));
  }
  bool Committed(const std::string& id, std::size_t events) {
    return coordinator_.Eventually([&] { return coordinator_.committed[id].size() >= events; });
  }
  std::string TrialFile(const std::string& name) { return options_.folder + "/trials/t-1/" + name; }

  TempFolder temp_;
  FakeCoordinator coordinator_;
  WorkerOptions options_;
  std::unique_ptr<Worker> worker_;
  std::thread thread_;
  Outcome outcome_;
};

TEST_F(WorkerTest, HandsInAResultAndLeavesWhenAsked) {
  Trainer(Say(protocol::Started{"cpu", "A CPU", 1, 1, 0, 3, "b"}) + Say(protocol::Metric{1, "x", 1}) +
          Say(protocol::Result{}));
  StartWorker();
  Grant("a-1");
  ASSERT_TRUE(Committed("a-1", 4));
  const v1::Fingerprints& files = coordinator_.committed["a-1"][0].fingerprints();
  ASSERT_EQ(files.files_size(), 4) << "model, three data files";
  EXPECT_EQ(files.files(0).name(), "model");
  EXPECT_THAT(files.files(0).error(), HasSubstr("/models/tiny: "));
  EXPECT_TRUE(coordinator_.committed["a-1"][3].has_result());
  ASSERT_TRUE(coordinator_.Eventually([&] { return coordinator_.closed.size() == 1; }));
  worker_->Stop();
  EXPECT_EQ(Join().exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(options_.folder + "/attempts/a-1"));
  EXPECT_FALSE(std::filesystem::exists(options_.folder + "/trials/t-1"));
}

TEST_F(WorkerTest, ATrialThatReadsElsewhereIsBadInput) {
  Trainer("exit 0");
  options_.data_roots = {temp_.path()};
  StartWorker();
  Grant("a-1");
  ASSERT_TRUE(Committed("a-1", 1));
  const v1::Failed failed = coordinator_.committed["a-1"][0].failed();
  EXPECT_EQ(failed.kind(), "bad_input");
  EXPECT_THAT(failed.message(), HasSubstr("model: " + SmallTrial().model + " lies outside"));
  EXPECT_THAT(failed.message(), HasSubstr(temp_.path()));
  EXPECT_FALSE(std::filesystem::exists(TrialFile("starts")));
}

TEST_F(WorkerTest, StartsNothingWhereItsFilesAreNotTheSweeps) {
  Trainer("exit 0");
  StartWorker();
  Grant("a-1", "t-1", std::string(64, 'f'));
  ASSERT_TRUE(Committed("a-1", 2));
  EXPECT_TRUE(coordinator_.committed["a-1"][0].has_fingerprints());
  EXPECT_THAT(coordinator_.committed["a-1"][1].returned().reason(), HasSubstr("model: /models/tiny: "));
  EXPECT_FALSE(std::filesystem::exists(TrialFile("starts")));
}

TEST_F(WorkerTest, TrainsOnThroughARestartOfTheCoordinatorAndLosesNothing) {
  Trainer("for i in 1 2 3; do\n" + Say(protocol::Metric{1, "before", 1}) +
          "done\nwhile [ ! -e $OUT/go ]; do sleep 0.05; done\n" + "for i in $(seq 300); do\n" +
          Say(protocol::Metric{2, "away", 1}) + "done\n" + Say(protocol::Result{}) +
          "touch $OUT/done; sleep 0.1");
  StartWorker();
  Grant("a-1");
  ASSERT_TRUE(Committed("a-1", 4));
  coordinator_.Stop();
  ASSERT_TRUE(WriteFileAtomically(TrialFile("go"), "").ok());
  for (int i = 0; i < 3000 && !std::filesystem::exists(TrialFile("done")); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  coordinator_.Start();
  ASSERT_TRUE(Committed("a-1", 305));
  ASSERT_TRUE(coordinator_.Eventually([&] { return coordinator_.hellos.size() == 2; }));
  EXPECT_TRUE(coordinator_.committed["a-1"].back().has_result());
  EXPECT_EQ(coordinator_.holes, 0);
  EXPECT_EQ(coordinator_.hellos[1].held(0).attempt_id(), "a-1");
}

TEST_F(WorkerTest, HandsBackACheckpointWhenItDrains) {
  Trainer(Say(protocol::Metric{1, "x", 1}) + "read line\n" + Say(protocol::CheckpointSaved{5}) +
          Say(protocol::Stopped{5, true}));
  StartWorker();
  Grant("a-1");
  ASSERT_TRUE(Committed("a-1", 2));
  worker_->Stop();
  EXPECT_EQ(Join().exit_code, 0);
  ASSERT_TRUE(Committed("a-1", 4));
  EXPECT_TRUE(coordinator_.committed["a-1"][3].returned().checkpointed());
  EXPECT_EQ(coordinator_.drainings, 1);
  EXPECT_TRUE(std::filesystem::exists(options_.folder + "/trials/t-1")) << "the next attempt resumes from it";
}

TEST_F(WorkerTest, AskedTwiceItEndsAtOnceWithItsTrainers) {
  Trainer("echo $$ > $OUT/pid.aside; mv $OUT/pid.aside $OUT/pid\n" + Say(protocol::Metric{1, "x", 1}) +
          "sleep 1000");
  StartWorker();
  Grant("a-1");
  ASSERT_TRUE(Committed("a-1", 2));
  const pid_t trainer = std::stoi(*ReadFile(TrialFile("pid")));
  worker_->Stop();
  worker_->Stop();
  EXPECT_EQ(Join().exit_code, 1);
  EXPECT_FALSE(ProcessStartTime(trainer).has_value());
  // The next run hands the attempt back.
  StartWorker();
  ASSERT_TRUE(Committed("a-1", 3));
  EXPECT_TRUE(coordinator_.committed["a-1"][2].has_returned());
}

TEST_F(WorkerTest, AWrongTokenIsRefusedForGood) {
  Trainer("exit 0");
  ASSERT_TRUE(WriteFileAtomically(temp_.path() + "/token", "guess\n", 0600).ok());
  StartWorker();
  const Outcome outcome = Join();
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.message, HasSubstr("the token is not this coordinator's"));
  EXPECT_THAT(outcome.message, HasSubstr(coordinator_.address()));
}

TEST_F(WorkerTest, LeavesWhenANewerSessionReplacesIt) {
  Trainer("exit 0");
  StartWorker();
  ASSERT_TRUE(coordinator_.Eventually([&] { return coordinator_.welcomed; }));
  v1::CoordinatorMessage message;
  message.mutable_replaced()->set_reason("a newer session");
  ASSERT_TRUE(coordinator_.Send(message));
  EXPECT_EQ(Join().exit_code, 1);
}

TEST_F(WorkerTest, WaitsForACoordinatorThatIsNotThereYet) {
  Trainer("exit 0");
  coordinator_.Stop();
  StartWorker();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  coordinator_.Start();
  EXPECT_TRUE(coordinator_.Eventually([&] { return coordinator_.welcomed; }));
  coordinator_.Stop();
  worker_->Stop();
  EXPECT_EQ(Join().exit_code, 0) << "with nothing to hand back it does not wait for a coordinator";
}

TEST_F(WorkerTest, WaitsForTheTokenOfACoordinatorThatHasNotStartedYet) {
  Trainer("exit 0");
  const char* const before = getenv("XDG_CONFIG_HOME");
  const std::string restored = before == nullptr ? "" : before;
  setenv("XDG_CONFIG_HOME", temp_.path().c_str(), 1);
  options_.token_file.clear();
  StartWorker();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  ASSERT_TRUE(rpc::WriteToken(*rpc::DefaultTokenFile(options_.coordinator), "secret").ok());
  EXPECT_TRUE(coordinator_.Eventually([&] { return coordinator_.welcomed; }));
  worker_->Stop();
  EXPECT_EQ(Join().exit_code, 0);
  before == nullptr ? unsetenv("XDG_CONFIG_HOME") : setenv("XDG_CONFIG_HOME", restored.c_str(), 1);
}

TEST_F(WorkerTest, MistakesAreSaidBeforeItStarts) {
  const auto create = [&] {
    return Worker::Create(options_, RealDevices(), RealDisk(), RealClock(), SystemRandom()).status();
  };
  EXPECT_THAT(Message(create()), HasSubstr("--trainer PATH"));
  Trainer("exit 0");
  const WorkerOptions good = options_;
  options_.coordinator = "nonsense";
  EXPECT_TRUE(absl::IsInvalidArgument(create()));
  options_ = good;
  options_.coordinator = "192.0.2.1:7070";
  EXPECT_THAT(Message(create()), HasSubstr("TLS"));
  options_ = good;
  options_.token_file = temp_.path() + "/none";
  EXPECT_TRUE(absl::IsNotFound(create()));
  options_ = good;
  options_.data_roots = {temp_.path(), temp_.path() + "/none"};
  EXPECT_THAT(Message(create()), HasSubstr("--data-root " + temp_.path() + "/none: "));
  options_ = good;
  options_.tls.certificate = temp_.path() + "/none";
  EXPECT_THAT(Message(create()), HasSubstr("--tls-key is missing"));
  options_ = good;
  EXPECT_TRUE(create().ok());
}

}  // namespace
}  // namespace lorikeet::agent
