// The real sweep-worker, killed with -9 while what it started lives on: the next start ends that first.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>

#include <thread>

#include "common/files.h"
#include "common/subprocess.h"
#include "tests/paths.h"
#include "tests/worker/agent/fake_coordinator.h"
#include "tests/worker/agent/fakes.h"

namespace lorikeet::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class RestartTest : public testing::Test {
 protected:
  RestartTest() : coordinator_("secret") {
    EXPECT_TRUE(WriteFileAtomically(temp_.path() + "/token", "secret\n", 0600).ok());
  }
  ~RestartTest() override { KillProcessesMarked("RESTART_TEST", temp_.path()); }

  // A trainer that outlives its worker: it asks for no signal at its parent's death, listens to nothing, and
  // has a child in a session of its own.
  void Trainer() {
    const std::string path = temp_.path() + "/trainer";
    const std::string out = temp_.path();
    const std::string script =
        "#!/bin/sh\nif [ -z \"$AGAIN\" ]; then AGAIN=1 exec setpriv --pdeathsig clear \"$0\" \"$@\"; fi\n"
        "while [ $# -gt 0 ]; do case \"$1\" in --attempt) ATTEMPT=$2;; esac; shift; done\n"
        "setsid sh -c 'echo $$ > " +
        out + "/child.aside; mv " + out + "/child.aside " + out +
        "/child; exec sleep 1000' &\n"
        "echo $$ > " +
        out + "/pid.aside; mv " + out + "/pid.aside " + out +
        "/pid\n"
        "printf '%s\\n' '" +
        protocol::ToLine({"ATTEMPT", protocol::CheckpointSaved{5}}) +
        "' | sed \"s/ATTEMPT/$ATTEMPT/\"\ntrap '' TERM PIPE HUP\nwhile true; do sleep 1; done\n";
    ASSERT_TRUE(WriteFileAtomically(path, script, 0755).ok());
    chmod(path.c_str(), 0755);
  }
  std::unique_ptr<Subprocess> StartWorker() {
    SubprocessOptions options;
    options.command = {std::string(kBinDir) + "/sweep-worker",
                       "--coordinator",
                       coordinator_.address(),
                       "--dir",
                       temp_.path() + "/worker",
                       "--token-file",
                       temp_.path() + "/token",
                       "--trainer",
                       temp_.path() + "/trainer",
                       "--devices",
                       "cpu"};
    options.environment = {{"RESTART_TEST", temp_.path()}};
    options.error_file = temp_.path() + "/log";
    auto started = Subprocess::Start(options);
    EXPECT_TRUE(started.ok()) << started.status();
    return *std::move(started);
  }
  pid_t WaitForPid(const std::string& name) {
    for (int i = 0; i < 3000; ++i) {
      if (const auto text = ReadFile(temp_.path() + "/" + name); text.ok()) return std::stoi(*text);
      std::this_thread::sleep_for(milliseconds(10));
    }
    ADD_FAILURE() << "no " << name << "; the worker says:\n" << ReadFile(temp_.path() + "/log").value_or("");
    return 0;
  }
  static bool Lives(pid_t pid) { return ProcessStartTime(pid).has_value(); }

  TempFolder temp_;
  FakeCoordinator coordinator_;
};

TEST_F(RestartTest, WhatItLeftIsGoneBeforeItOffersASlot) {
  Trainer();
  auto worker = StartWorker();
  ASSERT_TRUE(coordinator_.Eventually([&] { return coordinator_.welcomed; }));
  v1::CoordinatorMessage message;
  v1::Grant& grant = *message.mutable_grant();
  grant.set_attempt_id("a-1");
  grant.set_token(1);
  grant.set_trial_id("t-1");
  grant.set_trial_json(ToJson(SmallTrial()));
  grant.add_slots(0);
  ASSERT_TRUE(coordinator_.Send(message));
  const pid_t trainer = WaitForPid("pid"), child = WaitForPid("child");
  ASSERT_TRUE(coordinator_.Eventually([&] { return coordinator_.committed["a-1"].size() >= 2; }));

  ASSERT_EQ(kill(worker->pid(), SIGKILL), 0);  // the worker alone
  const auto killed = worker->Wait(seconds(30));
  ASSERT_TRUE(killed.has_value());
  ASSERT_EQ(killed->signal, SIGKILL);
  std::this_thread::sleep_for(milliseconds(300));
  ASSERT_TRUE(Lives(trainer)) << "else there is nothing to see";
  ASSERT_TRUE(Lives(child));

  bool trainer_lived = true, child_lived = true;
  coordinator_.on_hello = [&] {
    trainer_lived = Lives(trainer);
    child_lived = Lives(child);
  };
  worker = StartWorker();
  ASSERT_TRUE(coordinator_.Eventually([&] { return coordinator_.hellos.size() == 2; }))
      << ReadFile(temp_.path() + "/log").value_or("");
  EXPECT_FALSE(trainer_lived);
  EXPECT_FALSE(child_lived);
  // And the attempt is handed back, with its checkpoint.
  ASSERT_TRUE(coordinator_.Eventually([&] { return coordinator_.committed["a-1"].size() == 3; }));
  const v1::Returned returned = coordinator_.committed["a-1"][2].returned();
  EXPECT_TRUE(returned.checkpointed());
  EXPECT_EQ(returned.step(), 5);
  worker->Signal(SIGTERM);
  const auto ended = worker->Wait(seconds(30));
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->code, 0);
}

}  // namespace
}  // namespace lorikeet::agent
