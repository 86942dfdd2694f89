// The real sweepctl: exit codes, what goes where, and its talk with a real coordinator.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "common/files.h"
#include "common/subprocess.h"
#include "sweeps/sweepctl/local_cluster.h"
#include "tests/paths.h"

namespace lorikeet::sweepctl {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kSweep[] = R"(sweep: tiny
model: /nowhere/base
data: {train: /nowhere/train.jsonl, validation: /nowhere/validation.jsonl, test: /nowhere/test.jsonl}
train: {epochs: 1}
arms:
  full: {learning_rate: 1.0e-3}
  lora: {rank: [2, 4], alpha_over_rank: 2, learning_rate: 1.0e-2}
  lead: {sentences: 3}
seeds: [1, 2]
)";

struct Outcome {
  int code = -1;
  std::string out, err;
};

class SweepctlTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/lorikeet-sweepctl-XXXXXX";
    folder_ = mkdtemp(name);
    setenv("XDG_CONFIG_HOME", (folder_ + "/config").c_str(), 1);
    unsetenv("LORIKEET_COORDINATOR");
    unsetenv("LORIKEET_TOKEN_FILE");
  }
  void TearDown() override {
    for (const char* name : {"XDG_CONFIG_HOME", "LORIKEET_COORDINATOR", "LORIKEET_TOKEN_FILE"})
      unsetenv(name);
    std::filesystem::remove_all(folder_);
  }
  std::string File(const std::string& name, const std::string& text) const {
    const std::string path = folder_ + "/" + name;
    EXPECT_TRUE(WriteFileAtomically(path, text, 0600).ok());
    return path;
  }
  Outcome Run(const std::vector<std::string>& arguments) const {
    return Start({std::string(kBinDir) + "/sweepctl"}, arguments);
  }
  // In the test's folder.
  Outcome RunThere(const std::vector<std::string>& arguments) const {
    return Start({"/usr/bin/env", "-C", folder_, std::string(kBinDir) + "/sweepctl"}, arguments);
  }
  Outcome Start(std::vector<std::string> command, const std::vector<std::string>& arguments) const {
    SubprocessOptions options;
    options.command = std::move(command);
    options.command.insert(options.command.end(), arguments.begin(), arguments.end());
    options.output_file = folder_ + "/out";
    options.error_file = folder_ + "/err";
    std::filesystem::remove(options.output_file);
    std::filesystem::remove(options.error_file);
    auto process = Subprocess::Start(options);
    EXPECT_TRUE(process.ok()) << process.status();
    const std::optional<Exit> exit = (*process)->Wait(std::chrono::seconds(60));
    Outcome outcome;
    if (exit && exit->signal == 0) outcome.code = exit->code;
    outcome.out = ReadFile(options.output_file).value_or("");
    outcome.err = ReadFile(options.error_file).value_or("");
    return outcome;
  }

  std::string folder_;
};

TEST_F(SweepctlTest, HelpAndVersionGoToStandardOutput) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--help"}, {"--version"}, {"submit", "--help"}}) {
    const Outcome outcome = Run(arguments);
    EXPECT_EQ(outcome.code, 0);
    EXPECT_THAT(outcome.out, Not(IsEmpty()));
    EXPECT_THAT(outcome.err, IsEmpty());
  }
}

TEST_F(SweepctlTest, WrongUsageIsTwo) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{},
                                             {"--no-such-flag"},
                                             {"fly"},
                                             {"submit"},
                                             {"table", "x", "--format", "html"},
                                             {"run", "x", "--workers", "0"},
                                             {"cancel"},
                                             {"cancel", "x", "--trial", "y"},
                                             {"pause"},
                                             {"retry"},
                                             {"drain", "x", "--no-undo"},
                                             {"priority", "x"},
                                             {"priority", "x", "101"},
                                             {"priority", "x", "high"},
                                             {"submit", "--dry-run", "/nowhere/x.yaml"},
                                             {"run", "/nowhere/x.yaml"},
                                             {"table", "x", "--db", "/nowhere/results.db"},
                                             {"predictions", "x", "--db", "/nowhere/results.db"},
                                             {"predictions", "x", "--split", "train"},
                                             {"diff", "x"},
                                             {"diff", "x", "y", "--documents", "-1"},
                                             {"export", "x", "--out", "y"},
                                             {"export", "x", "--format", "pdf", "--out", "y"},
                                             {"list", "--coordinator", "nonsense"},
                                             {"list", "--coordinator", "gpu-host:7070"}}) {
    const Outcome outcome = Run(arguments);
    EXPECT_EQ(outcome.code, 2) << ::testing::PrintToString(arguments) << outcome.err;
    EXPECT_THAT(outcome.out, IsEmpty()) << ::testing::PrintToString(arguments);
    EXPECT_THAT(outcome.err, HasSubstr("sweepctl: "));
  }
}

TEST_F(SweepctlTest, WrongUsageSaysWhatWouldBeRight) {
  EXPECT_THAT(Run({"statsu"}).err, HasSubstr("unknown subcommand 'statsu'; did you mean 'status'?"));
  EXPECT_THAT(Run({"help"}).err, HasSubstr("unknown subcommand 'help': one of run, submit"));
  EXPECT_THAT(Run({"--coordinator", "127.0.0.1:1", "list"}).err,
              HasSubstr("--coordinator stands before the subcommand; its options stand behind it"));
  EXPECT_THAT(Run({"list", "--data", "/nowhere"}).err,
              HasSubstr("/nowhere: no `sweepctl run` is at work in this folder"));
  EXPECT_EQ(Run({"run", "/"}).code, 2);
  EXPECT_THAT(RunThere({"table", "demo"}).err, Not(HasSubstr("--db")));
  std::filesystem::create_directory(folder_ + "/lorikeet-data");
  File("lorikeet-data/results.db", "");
  EXPECT_THAT(
      RunThere({"table", "demo"}).err,
      HasSubstr("what a `sweepctl run` left here is read by `sweepctl table SWEEP --db lorikeet-data`"));
  const Outcome mistakes = Run({"submit", File("two.yaml", "sweep: x\nmodle: /m\nseeds: []\n")});
  EXPECT_EQ(mistakes.code, 2);
  std::istringstream lines(mistakes.err);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_THAT(line, StartsWith("sweepctl: ")) << "each mistake is a line of its own";
  }
}

TEST_F(SweepctlTest, AMisspeltKeyIsNamedWithItsPlace) {
  const std::string bad = File("bad.yaml", "sweep: x\nmodel: /nowhere\narms:\n  lora: {rnak: [1, 2]}\n");
  for (const std::string command : {"submit", "run"}) {
    const Outcome outcome = Run({command, bad});
    EXPECT_EQ(outcome.code, 2);
    EXPECT_THAT(outcome.err, HasSubstr("bad.yaml:4:"));
    EXPECT_THAT(outcome.err, HasSubstr("rank"));
    EXPECT_THAT(outcome.out, IsEmpty());
  }
}

TEST_F(SweepctlTest, DryRunNeedsNoFilesAndNoCoordinator) {
  const std::string file = File("tiny.yaml", kSweep);
  const Outcome text = Run({"submit", "--dry-run", file});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.err, IsEmpty());
  for (const std::string name : {"full seed=1", "lora rank=2 seed=1", "lora rank=4 seed=2", "lead"}) {
    EXPECT_THAT(text.out, HasSubstr(name));
  }
  EXPECT_THAT(text.out, HasSubstr("7 trials: 4 configurations, 2 seeds; baseline full"));
  const Outcome json = Run({"submit", "--dry-run", "--json", file});
  EXPECT_EQ(json.code, 0) << json.err;
  EXPECT_EQ(nlohmann::json::parse(json.out).at("trials").size(), 7U);
}

TEST_F(SweepctlTest, RunRefusesFilesThatAreMissing) {
  const Outcome outcome = Run({"run", File("tiny.yaml", kSweep), "--data", folder_ + "/data"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("/nowhere/base"));
  EXPECT_THAT(outcome.err, HasSubstr("/nowhere/train.jsonl"));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/data")) << "nothing was started";
}

TEST_F(SweepctlTest, AnUnknownCoordinatorIsAClearErrorWithinSeconds) {
  const auto begin = std::chrono::steady_clock::now();
  const Outcome without_token = Run({"list", "--coordinator", "127.0.0.1:1"});
  EXPECT_EQ(without_token.code, 1) << "as where nobody listens: there may be nobody";
  EXPECT_THAT(without_token.err, HasSubstr("tokens/127.0.0.1:1"));
  const std::string token = File("token", "secret");
  for (const std::string command : {"list", "workers"}) {
    const Outcome outcome = Run({command, "--coordinator", "127.0.0.1:1", "--token-file", token});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_THAT(outcome.err, HasSubstr("the coordinator at 127.0.0.1:1 does not answer"));
    EXPECT_THAT(outcome.out, IsEmpty());
  }
  EXPECT_EQ(Run({"watch", "x", "--coordinator", "127.0.0.1:1", "--token-file", token}).code, 1);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

class SweepctlWithCoordinatorTest : public SweepctlTest {
 protected:
  void SetUp() override {
    SweepctlTest::SetUp();
    auto cluster = LocalCluster::Start({.programs = kBinDir, .data = folder_ + "/data"});
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    cluster_ = *std::move(cluster);
    setenv("LORIKEET_COORDINATOR", cluster_->address().c_str(), 1);
    setenv("LORIKEET_TOKEN_FILE", cluster_->token_file().c_str(), 1);
  }
  void TearDown() override {
    if (cluster_ != nullptr) {
      EXPECT_TRUE(cluster_->Stop().ok());
    }
    SweepctlTest::TearDown();
  }

  std::unique_ptr<LocalCluster> cluster_;
};

TEST_F(SweepctlWithCoordinatorTest, ASweepFromSubmissionToCancellation) {
  const std::string file = File("tiny.yaml", kSweep);
  const Outcome submitted = Run({"submit", file});
  ASSERT_EQ(submitted.code, 0) << submitted.err;
  EXPECT_THAT(submitted.out, ::testing::StartsWith("s-"));
  EXPECT_THAT(submitted.err, HasSubstr("/nowhere/base")) << "what this machine lacks is a warning";
  const std::string id = submitted.out.substr(0, submitted.out.size() - 1);

  const Outcome again = Run({"submit", file, "--json"});
  ASSERT_EQ(again.code, 0) << again.err;
  const auto answer = nlohmann::json::parse(again.out);
  EXPECT_EQ(answer.at("sweep"), id);
  EXPECT_EQ(answer.at("existing"), true);
  EXPECT_EQ(answer.at("trials"), 7);

  std::string other = kSweep;
  other.replace(other.find("epochs: 1"), 9, "epochs: 2");
  const Outcome taken = Run({"submit", File("other.yaml", other)});
  EXPECT_EQ(taken.code, 2);
  EXPECT_THAT(taken.err, HasSubstr("tiny"));

  for (const std::string& name : {std::string("tiny"), id}) {
    const Outcome status = Run({"status", name, "--json"});
    ASSERT_EQ(status.code, 0) << status.err;
    EXPECT_EQ(nlohmann::json::parse(status.out).at("state"), "running");
    EXPECT_EQ(nlohmann::json::parse(status.out).at("trials"), 7) << "a number, not a string";
  }
  EXPECT_THAT(Run({"status", "tiny"}).out, HasSubstr("no worker"));
  EXPECT_THAT(Run({"list"}).out, HasSubstr(id));
  const Outcome trials = Run({"trials", "tiny", "--json"});
  ASSERT_EQ(trials.code, 0) << trials.err;
  const auto list = nlohmann::json::parse(trials.out).at("trials");
  ASSERT_EQ(list.size(), 7U);
  const std::string trial = list[0].at("id");
  EXPECT_EQ(Run({"status", trial}).code, 0);
  EXPECT_EQ(Run({"logs", trial}).code, 0);
  EXPECT_EQ(Run({"workers"}).code, 0);

  const Outcome missing = Run({"status", "tiyn"});
  EXPECT_EQ(missing.code, 2);
  EXPECT_THAT(missing.err, HasSubstr("tiny")) << "the nearest is named";

  const Outcome table = Run({"table", "tiny"});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("lora rank=2"));
  EXPECT_EQ(Run({"table", "tiny", "--db", folder_ + "/data"}).out, table.out) << "the file says the same";
  EXPECT_TRUE(nlohmann::json::accept(Run({"table", "tiny", "--json"}).out));

  const Outcome plot = Run({"plot", "tiny"});
  EXPECT_EQ(plot.code, 2) << "there is nothing to draw yet";
  EXPECT_THAT(plot.err, HasSubstr("no configuration with an axis has a result yet"));
  EXPECT_EQ(Run({"plot", "tiny", "--db", folder_ + "/data"}).err, plot.err) << "the file says the same";
  EXPECT_THAT(Run({"plot", "tiyn"}).err, HasSubstr("did you mean 'tiny'"));
  EXPECT_THAT(Run({"plot", "tiny", "--kind", "curve"}).err, HasSubstr("did you mean 'curves'"));
  EXPECT_EQ(Run({"plot", "tiny", "--out", folder_ + "/a.svg"}).code, 2);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/a.svg"));

  EXPECT_EQ(Run({"cancel", "--trial", trial}).code, 0);
  const Outcome cancelled = Run({"cancel", "tiny"});
  EXPECT_EQ(cancelled.code, 0) << cancelled.err;
  EXPECT_THAT(cancelled.out, HasSubstr("6 trials cancelled"));
  const Outcome followed = Run({"watch", "tiny"});
  EXPECT_EQ(followed.code, 1) << "a cancelled sweep is not done";
  EXPECT_THAT(followed.out, IsEmpty());
}

TEST_F(SweepctlWithCoordinatorTest, ActsMayBeTypedTwice) {
  ASSERT_EQ(Run({"submit", File("tiny.yaml", kSweep)}).code, 0);
  const auto says = [&](const std::vector<std::string>& arguments) {
    const Outcome outcome = Run(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out;
  };
  EXPECT_EQ(says({"resume", "tiny"}), "sweep tiny is not paused\n");
  EXPECT_EQ(says({"pause", "tiny"}), "sweep tiny is paused: 0 running trials go on, 7 wait\n");
  EXPECT_EQ(says({"pause", "tiny"}), "sweep tiny is paused already\n");
  EXPECT_THAT(Run({"status", "tiny"}).out, HasSubstr("waiting    the sweep is paused"));
  EXPECT_EQ(says({"retry", "tiny"}),
            "sweep tiny is paused: none of its trials has failed or was cancelled\n");
  EXPECT_EQ(says({"resume", "tiny"}), "sweep tiny goes on: 7 trials wait for slots\n");
  EXPECT_EQ(says({"retry", "tiny/lead"}),
            "trial lead is pending: only failed and cancelled ones are retried\n");
  says({"cancel", "tiny"});
  EXPECT_EQ(says({"pause", "tiny"}), "sweep tiny is cancelled: nothing of it is left to pause\n");
  const Outcome resumed = Run({"resume", "tiny"});
  EXPECT_EQ(resumed.code, 2);
  EXPECT_THAT(resumed.err, HasSubstr("'sweepctl retry tiny' runs what is left of it"));
  EXPECT_EQ(says({"retry", "tiny/lead"}), "trial lead waits again\n");
  EXPECT_EQ(says({"retry", "tiny"}), "6 trials wait again; sweep tiny is running\n");
  const auto json = nlohmann::json::parse(says({"pause", "tiny", "--json"}));
  EXPECT_EQ(json.at("state"), "paused");
  EXPECT_EQ(json.at("changed"), true);
  EXPECT_EQ(says({"priority", "tiny", "-5"}), "sweep tiny has now a priority of -5\n");
  EXPECT_EQ(says({"priority", "tiny", "-5"}), "sweep tiny has a priority of -5 already\n");
  EXPECT_THAT(says({"status", "tiny"}), HasSubstr("priority   -5\n"));
  for (const std::string command : {"pause", "resume", "retry"}) {
    const Outcome missing = Run({command, "tiyn"});
    EXPECT_EQ(missing.code, 2);
    EXPECT_THAT(missing.err, HasSubstr("did you mean 'tiny'"));
  }
  for (const char* command : {"drain", "readmit"}) {
    const Outcome nobody = Run({command, "nobody"});
    EXPECT_EQ(nobody.code, 2);
    EXPECT_THAT(nobody.err, HasSubstr("there is no worker 'nobody'"));
  }
}

TEST_F(SweepctlWithCoordinatorTest, ChecksAndBacksUpTheDatabaseOfARunningCoordinator) {
  ASSERT_EQ(Run({"submit", File("tiny.yaml", kSweep)}).code, 0);
  const std::string data = folder_ + "/data", copy = folder_ + "/copy.db";
  const Outcome backup = Run({"backup", copy, "--db", data});
  EXPECT_EQ(backup.code, 0) << backup.err;
  EXPECT_THAT(backup.out, HasSubstr("results.db: copied to " + copy + ", "));
  EXPECT_EQ(Run({"table", "tiny", "--db", copy}).out, Run({"table", "tiny"}).out);
  for (const std::string& database : {data, data + "/results.db", copy}) {
    const Outcome check = Run({"check", "--db", database});
    EXPECT_EQ(check.code, 0) << check.err;
    EXPECT_THAT(check.out, HasSubstr(": nothing is wrong\n"));
  }
  const Outcome again = Run({"backup", copy, "--db", data});
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err, HasSubstr("is there already; name another file"));
  const Outcome none = Run({"check", "--db", folder_ + "/nowhere"});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, HasSubstr("there is no such database"));
  EXPECT_TRUE(nlohmann::json::parse(Run({"check", "--db", copy, "--json"}).out).at("wrong").empty());
}

TEST_F(SweepctlWithCoordinatorTest, RefusesAWrongToken) {
  const Outcome outcome = Run({"list", "--token-file", File("wrong", "wrong")});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("the token is not this coordinator's"));
}

}  // namespace
}  // namespace lorikeet::sweepctl
