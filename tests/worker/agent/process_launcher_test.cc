#include "worker/agent/process_launcher.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <set>
#include <variant>

#include "common/files.h"
#include "tests/worker/agent/fakes.h"

namespace lorikeet::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

// Shell scripts stand in for sweep-trainer. In them $ATTEMPT is the attempt's id, and say JSON prints an
// event.
class LauncherTest : public testing::Test, public TrainerListener {
 protected:
  LauncherTest() {
    options_.trainer = temp_.path() + "/trainer";
    options_.stop_grace = milliseconds(300);
    options_.checkpoint_grace = milliseconds(300);
    options_.exit_grace = milliseconds(300);
  }

  void Trainer(const std::string& body) {
    const std::string script =
        "#!/bin/sh\nARGUMENTS=\"$*\"\nwhile [ $# -gt 0 ]; do case \"$1\" in --attempt) ATTEMPT=$2;; --out) "
        "OUT=$2;; "
        "--trial) TRIAL=$2;; esac; shift; done\nsay() { printf '%s\\n' \"$1\" | sed \"s/ATTEMPT/$ATTEMPT/\"; "
        "}\n" +
        body + "\n";
    ASSERT_TRUE(WriteFileAtomically(options_.trainer, script, 0755).ok());
    chmod(options_.trainer.c_str(), 0755);
    launcher_ = std::make_unique<ProcessLauncher>(options_, RealClock());
  }

  Launch MakeLaunch(const std::string& id = "a-1") {
    Launch launch;
    launch.attempt_id = id;
    launch.attempt_folder = temp_.path() + "/" + id;
    launch.trial_folder = temp_.path() + "/trials/t-1";
    launch.trial_json = "{}";
    launch.device = "cpu";
    launch.threads = 2;
    std::filesystem::create_directories(launch.attempt_folder);
    return launch;
  }

  void Start(const Launch& launch) {
    const Status started = launcher_->Start(launch);
    ASSERT_TRUE(started.ok()) << started;
  }

  // Runs the loop until every trainer is closed, or `enough` says so.
  void Run(const std::function<bool()>& enough = [] { return false; }) {
    const SteadyTime deadline = RealClock().Steady() + seconds(30);
    while (closed_.size() < expected_closed_ && !enough() && RealClock().Steady() < deadline) {
      std::vector<pollfd> files;
      launcher_->AddFiles(files);
      poll(files.data(), files.size(), 20);
      launcher_->Step(*this);
    }
    ASSERT_LT(RealClock().Steady(), deadline);
  }

  void OnTrainerEvent(const std::string& attempt_id, const protocol::Event& event) override {
    EXPECT_EQ(closed_.count(attempt_id), 0U) << "an event after the end";
    events_.emplace_back(attempt_id, event);
  }
  void OnTrainerClosed(const std::string& attempt_id) override { closed_.insert(attempt_id); }

  template <typename Event>
  std::vector<Event> Of() const {
    std::vector<Event> found;
    for (const auto& [id, event] : events_) {
      if (const auto* one = std::get_if<Event>(&event)) found.push_back(*one);
    }
    return found;
  }
  // The one failure, which must be the last event.
  protocol::Failed Failure() const {
    EXPECT_EQ(Of<protocol::Failed>().size(), 1U);
    if (events_.empty() || !std::holds_alternative<protocol::Failed>(events_.back().second)) return {};
    return std::get<protocol::Failed>(events_.back().second);
  }

  static std::string Line(const protocol::Event& event) { return protocol::ToLine({"ATTEMPT", event}); }
  static std::string Say(const protocol::Event& event) { return "say '" + Line(event) + "'\n"; }

  TempFolder temp_;
  ProcessLauncherOptions options_;
  std::unique_ptr<ProcessLauncher> launcher_;
  std::vector<std::pair<std::string, protocol::Event>> events_;
  std::set<std::string> closed_;
  std::size_t expected_closed_ = 1;
};

TEST_F(LauncherTest, RunsATrainerToItsResult) {
  Trainer("echo \"$ARGUMENTS\" > $OUT/arguments; cp $TRIAL $OUT/trial\n" +
          Say(protocol::Metric{1, "loss", 0.5}) + Say(protocol::Result{}) + "exit 0");
  Launch launch = MakeLaunch();
  launch.documents = true;
  launch.token = 7;
  launch.trial_json = "{\"a\":1}";
  Start(launch);
  Run();
  ASSERT_EQ(events_.size(), 2U);
  EXPECT_EQ(Of<protocol::Metric>().at(0).value, 0.5);
  EXPECT_EQ(Of<protocol::Result>().size(), 1U);
  EXPECT_EQ(*ReadFile(launch.trial_folder + "/arguments"),
            "train --trial " + launch.attempt_folder + "/trial.json --out " + launch.trial_folder +
                " --attempt a-1 --token 7 --device cpu --threads 2 --control --documents\n");
  EXPECT_EQ(*ReadFile(launch.trial_folder + "/trial"), "{\"a\":1}");
}

TEST_F(LauncherTest, TrainersShareTheCache) {
  options_.cache = temp_.path() + "/cache";
  Trainer("echo \"$ARGUMENTS\" > $OUT/arguments\n" + Say(protocol::Result{}) + "exit 0");
  const Launch launch = MakeLaunch();
  Start(launch);
  Run();
  EXPECT_THAT(*ReadFile(launch.trial_folder + "/arguments"),
              HasSubstr(" --cache " + temp_.path() + "/cache\n"));
}

TEST_F(LauncherTest, ACrashIsToldWithTheLastWords) {
  Trainer("echo 'something happened' >&2; echo 'then it broke' >&2; exit 3");
  Start(MakeLaunch());
  Run();
  EXPECT_EQ(Failure().kind, "crashed");
  EXPECT_THAT(Failure().message, HasSubstr("exit 3"));
  EXPECT_THAT(Failure().message, HasSubstr("something happened\nthen it broke"));
}

TEST_F(LauncherTest, ASignalIsNamed) {
  Trainer("kill -KILL $$");
  Start(MakeLaunch());
  Run();
  EXPECT_EQ(Failure().kind, "crashed");
  EXPECT_THAT(Failure().message, HasSubstr("killed by signal 9"));
}

TEST_F(LauncherTest, WrongInputIsNotACrash) {
  Trainer("echo 'model: no such directory' >&2; exit 2");
  Start(MakeLaunch());
  Run();
  EXPECT_EQ(Failure().kind, "bad_input");
  EXPECT_THAT(Failure().message, HasSubstr("no such directory"));
}

TEST_F(LauncherTest, AResultCountsEvenIfTheEndIsNotClean) {
  Trainer(Say(protocol::Result{}) + "kill -SEGV $$");
  Start(MakeLaunch());
  Run();
  EXPECT_EQ(events_.size(), 1U);
  EXPECT_EQ(Of<protocol::Result>().size(), 1U);
}

TEST_F(LauncherTest, ALineWithoutItsNewlineCountsAtTheEnd) {
  Trainer("say '" + Line(protocol::Result{}) + "' | tr -d '\\n'");
  Start(MakeLaunch());
  Run();
  EXPECT_EQ(Of<protocol::Result>().size(), 1U);
}

TEST_F(LauncherTest, GarbageIsToldButDoesNotEndTheTrial) {
  Trainer(
      "echo 'hello from a library'; printf '\\377\\000{\"\\n'; echo "
      "'{\"attempt\":\"a-9\",\"event\":\"checkpoint\"}'\n"
      "for i in $(seq 100); do echo noise; done\n" +
      Say(protocol::Result{}));
  Start(MakeLaunch());
  Run();
  EXPECT_EQ(Of<protocol::Result>().size(), 1U);
  const auto logs = Of<protocol::Log>();
  EXPECT_EQ(logs.size(), 20U) << "no more warnings than that";
  EXPECT_THAT(logs.at(0).message, HasSubstr("hello from a library"));
}

TEST_F(LauncherTest, EventsOfAnotherAttemptAreIgnored) {
  Trainer("say '" + protocol::ToLine({"a-other", protocol::Result{}}) + "'");
  Start(MakeLaunch());
  Run();
  EXPECT_TRUE(Of<protocol::Result>().empty());
  EXPECT_EQ(Failure().kind, "crashed");
}

TEST_F(LauncherTest, AnEndlessLineEndsIt) {
  options_.most_line_bytes = 100'000;
  Trainer("while true; do printf '0123456789012345678901234567890123456789'; done");
  Start(MakeLaunch());
  Run();
  EXPECT_EQ(Failure().kind, "crashed");
  EXPECT_THAT(Failure().message, HasSubstr("more than 100000 bytes"));
}

TEST_F(LauncherTest, TheTimeLimitEndsIt) {
  Trainer("trap '' TERM; while true; do sleep 1; done");
  Launch launch = MakeLaunch();
  launch.time_limit = milliseconds(200);
  Start(launch);
  Run();
  EXPECT_EQ(Failure().kind, "timed_out");
  EXPECT_THAT(Failure().message, HasSubstr("time_limit of 0.2 seconds"));
}

TEST_F(LauncherTest, AsksForACheckpointByAControlLine) {
  options_.checkpoint_grace = options_.exit_grace = seconds(30);
  Trainer(Say(protocol::Metric{1, "ready", 1}) + "read line; echo \"$line\" > $OUT/control\n" +
          Say(protocol::Stopped{4, true}));
  const Launch launch = MakeLaunch();
  Start(launch);
  Run([&] { return !events_.empty(); });
  launcher_->Stop("a-1", StopHow::kCheckpoint);
  Run();
  EXPECT_EQ(Of<protocol::Stopped>().at(0).step, 4);
  EXPECT_THAT(*ReadFile(launch.trial_folder + "/control"), HasSubstr("checkpoint_and_stop"));
}

TEST_F(LauncherTest, KillsOneThatDoesNotListenAndKeepsItsCheckpointInMind) {
  Trainer(Say(protocol::CheckpointSaved{9}) + "sleep 1000");
  Start(MakeLaunch());
  Run([&] { return !events_.empty(); });
  launcher_->Stop("a-1", StopHow::kCheckpoint);
  Run();
  ASSERT_EQ(Of<protocol::Stopped>().size(), 1U);
  EXPECT_EQ(Of<protocol::Stopped>().at(0).step, 9);
  EXPECT_TRUE(Of<protocol::Stopped>().at(0).checkpointed);
  EXPECT_TRUE(Of<protocol::Failed>().empty());
}

TEST_F(LauncherTest, OneThatHangsAfterItsResultIsKilled) {
  Trainer(Say(protocol::Result{}) + "sleep 1000");
  Start(MakeLaunch());
  Run();
  EXPECT_EQ(events_.size(), 1U);
}

TEST_F(LauncherTest, IsClosedOnlyWhenTheWholeGroupIsGone) {
  Trainer("sleep 1000 & echo $! > $OUT/grandchild\n" + Say(protocol::Result{}));
  const Launch launch = MakeLaunch();
  Start(launch);
  Run();
  EXPECT_FALSE(ProcessStartTime(std::stoi(*ReadFile(launch.trial_folder + "/grandchild"))).has_value());
}

TEST_F(LauncherTest, WhileHeldNothingIsReadAndNothingIsLost) {
  Trainer("for i in $(seq 20); do echo \"$i\" >> $OUT/said\n" + Say(protocol::Metric{1, "x", 1}) + "done\n" +
          Say(protocol::Result{}));
  Start(MakeLaunch());
  launcher_->Hold("a-1", true);
  launcher_->Hold("a-unknown", true);
  int rounds = 0;
  Run([&] { return ++rounds > 50; });  // a second, in which it ends
  EXPECT_THAT(events_, testing::IsEmpty());
  EXPECT_THAT(closed_, testing::IsEmpty());
  launcher_->Hold("a-1", false);
  Run();
  EXPECT_EQ(Of<protocol::Metric>().size(), 20U);
  EXPECT_EQ(Of<protocol::Result>().size(), 1U);
  EXPECT_EQ(closed_.count("a-1"), 1U);
}

TEST_F(LauncherTest, InputEndsWithTheLauncher) {
  Trainer(Say(protocol::Metric{1, "ready", 1}) + "cat > /dev/null; sleep 1000");
  Start(MakeLaunch());
  Run([&] { return !events_.empty(); });
  launcher_.reset();  // kills
  EXPECT_TRUE(closed_.empty());
}

TEST_F(LauncherTest, AMissingTrainerIsNotStarted) {
  launcher_ = std::make_unique<ProcessLauncher>(options_, RealClock());
  EXPECT_TRUE(absl::IsNotFound(launcher_->Start(MakeLaunch())));
  expected_closed_ = 0;
  Run();
  EXPECT_TRUE(events_.empty());
}

TEST_F(LauncherTest, ManyAtOnce) {
  Trainer("for i in 1 2 3; do\n" + Say(protocol::Metric{1, "x", 1}) + "done\n" + Say(protocol::Result{}));
  expected_closed_ = 2;
  Start(MakeLaunch("a-1"));
  Start(MakeLaunch("a-2"));
  EXPECT_TRUE(absl::IsFailedPrecondition(launcher_->Start(MakeLaunch("a-1"))));
  Run();
  EXPECT_EQ(Of<protocol::Result>().size(), 2U);
  EXPECT_EQ(Of<protocol::Metric>().size(), 6U);
}

}  // namespace
}  // namespace lorikeet::agent
