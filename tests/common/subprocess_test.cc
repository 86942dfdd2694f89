#include "common/subprocess.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "common/files.h"

namespace lorikeet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

SubprocessOptions Shell(const std::string& script) {
  SubprocessOptions options;
  options.command = {"/bin/sh", "-c", script};
  return options;
}

std::unique_ptr<Subprocess> StartOrDie(const SubprocessOptions& options) {
  auto started = Subprocess::Start(options);
  EXPECT_TRUE(started.ok()) << started.status();
  return *std::move(started);
}

// Reads until end-of-file.
std::string ReadAll(int file) {
  std::string text;
  for (;;) {
    pollfd ready{file, POLLIN, 0};
    if (poll(&ready, 1, 10'000) != 1) break;
    char buffer[4096];
    const ssize_t got = read(file, buffer, sizeof(buffer));
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

// Reads one line.
std::string ReadLine(int file) {
  std::string line;
  for (;;) {
    pollfd ready{file, POLLIN, 0};
    if (poll(&ready, 1, 10'000) != 1) return line;
    char c = 0;
    if (read(file, &c, 1) != 1 || c == '\n') return line;
    line += c;
  }
}

bool Eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return false;
}

TEST(Subprocess, ReportsTheExitCode) {
  const auto child = StartOrDie(Shell("exit 7"));
  const std::optional<Exit> exit = child->Wait(seconds(10));
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->code, 7);
  EXPECT_EQ(exit->signal, 0);
  EXPECT_FALSE(exit->ok());
  EXPECT_EQ(Describe(*exit), "exit 7");
  EXPECT_TRUE(child->Poll().has_value());
  EXPECT_FALSE(child->GroupAlive());  // a zombie is not alive
}

TEST(Subprocess, ReportsTheSignal) {
  const auto child = StartOrDie(Shell("kill -KILL $$"));
  const std::optional<Exit> exit = child->Wait(seconds(10));
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->signal, SIGKILL);
  EXPECT_EQ(Describe(*exit), "killed by signal 9 (Killed)");
}

TEST(Subprocess, WaitGivesUpAndEndedBecomesReadable) {
  SubprocessOptions options = Shell("read line");
  options.pipe_input = true;
  const auto child = StartOrDie(options);
  EXPECT_FALSE(child->Wait(milliseconds(30)).has_value());
  EXPECT_TRUE(child->GroupAlive());
  child->CloseInput();
  if (child->ended() >= 0) {
    pollfd ended{child->ended(), POLLIN, 0};
    EXPECT_EQ(poll(&ended, 1, 10'000), 1);
  }
  EXPECT_TRUE(child->Wait(seconds(10)).has_value());
}

TEST(Subprocess, PipesCarryTextBothWays) {
  SubprocessOptions options = Shell("while read line; do echo \"got $line\"; done; echo trouble >&2");
  options.pipe_input = options.pipe_output = options.pipe_errors = true;
  const auto child = StartOrDie(options);
  ASSERT_TRUE(child->Write("one\ntwo\n").ok());
  child->CloseInput();
  EXPECT_EQ(ReadAll(child->output()), "got one\ngot two\n");
  EXPECT_EQ(ReadAll(child->errors()), "trouble\n");
  EXPECT_TRUE(child->Wait(seconds(10))->ok());
  EXPECT_TRUE(absl::IsUnavailable(child->Write("late\n")));
}

TEST(Subprocess, WritingToAChildThatIsGoneIsAnErrorAndNoSignal) {
  SubprocessOptions options = Shell("exit 0");
  options.pipe_input = true;
  const auto child = StartOrDie(options);
  ASSERT_TRUE(child->Wait(seconds(10)).has_value());
  EXPECT_TRUE(absl::IsUnavailable(child->Write("anyone?\n")));
}

TEST(Subprocess, AppendsToFilesAndSetsTheEnvironment) {
  const std::string folder = testing::TempDir() + "subprocess_files." + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  for (const char* word : {"first", "second"}) {
    SubprocessOptions options = Shell("echo $WORD; echo oops >&2");
    options.environment = {{"WORD", word}};
    options.output_file = folder + "/out";
    options.error_file = folder + "/err";
    EXPECT_TRUE(StartOrDie(options)->Wait(seconds(10))->ok());
  }
  EXPECT_EQ(*ReadFile(folder + "/out"), "first\nsecond\n");
  EXPECT_EQ(*ReadFile(folder + "/err"), "oops\noops\n");
  std::filesystem::remove_all(folder);
}

TEST(Subprocess, NamesAMissingProgram) {
  SubprocessOptions options;
  options.command = {"/no/such/program"};
  const auto started = Subprocess::Start(options);
  EXPECT_TRUE(absl::IsNotFound(started.status()));
  EXPECT_THAT(Message(started.status()), HasSubstr("/no/such/program: No such file"));
  options.command = {"/etc/passwd"};
  EXPECT_TRUE(absl::IsNotFound(Subprocess::Start(options).status()));
  options.command.clear();
  EXPECT_TRUE(absl::IsInvalidArgument(Subprocess::Start(options).status()));
}

TEST(Subprocess, LeaksNoFilesAndNoSignalSettings) {
  constexpr int kLeaky = 57;  // not close-on-exec
  ASSERT_EQ(dup2(STDERR_FILENO, kLeaky), kLeaky);
  signal(SIGUSR1, SIG_IGN);
  const auto run = [](const std::vector<std::string>& command) {
    SubprocessOptions options;
    options.command = command;
    options.pipe_output = true;
    const auto child = StartOrDie(options);
    return ReadAll(child->output());
  };
  const std::string files = run({"/bin/ls", "/proc/self/fd"});
  const std::string status = run({"/bin/cat", "/proc/self/status"});
  signal(SIGUSR1, SIG_DFL);
  close(kLeaky);
  EXPECT_EQ(files, "0\n1\n2\n3\n");  // 3: the folder that ls itself reads
  EXPECT_THAT(status, HasSubstr("SigBlk:\t0000000000000000"));
  EXPECT_THAT(status, HasSubstr("SigIgn:\t0000000000000000"));
}

TEST(Subprocess, KillsGrandchildrenWithTheGroup) {
  SubprocessOptions options = Shell("sleep 1000 & echo $!; exit 0");
  options.pipe_output = true;
  auto child = StartOrDie(options);
  const pid_t grandchild = std::stoi(ReadLine(child->output()));
  ASSERT_TRUE(child->Wait(seconds(10)).has_value());
  EXPECT_TRUE(child->GroupAlive());
  EXPECT_TRUE(ProcessStartTime(grandchild).has_value());
  child->Signal(SIGKILL);
  EXPECT_TRUE(Eventually([&] { return !child->GroupAlive(); }));
  EXPECT_FALSE(ProcessStartTime(grandchild).has_value());
}

TEST(Subprocess, ItsDestructorKills) {
  auto child = StartOrDie(Shell("sleep 1000; sleep 1000"));
  const pid_t pid = child->pid();
  child.reset();
  EXPECT_TRUE(Eventually([&] { return !ProcessGroupAlive(pid); }));
}

TEST(Subprocess, OutlivesTheThreadThatAskedForIt) {
  std::unique_ptr<Subprocess> child;
  std::thread([&] { child = StartOrDie(Shell("sleep 1000")); }).join();
  EXPECT_FALSE(child->Wait(milliseconds(200)).has_value()) << "the parent-death signal fired with its thread";
}

constexpr char kHelper[] = "LORIKEET_TEST_HELPER";

// What the test below does in the process of its own that it starts: starts a child, says its number, waits
// to be killed.
void StartAChildAndWait() {
  const auto child = StartOrDie(Shell("exec sleep 1000"));
  fprintf(stderr, "child %d\n", child->pid());
  std::this_thread::sleep_for(seconds(100));
}

TEST(Subprocess, ChildrenEndWithTheirParent) {
  if (std::getenv(kHelper) != nullptr) return StartAChildAndWait();
  SubprocessOptions options;
  options.command = {std::filesystem::read_symlink("/proc/self/exe").string(),
                     "--gtest_filter=Subprocess.ChildrenEndWithTheirParent"};
  options.environment = {{kHelper, "1"}};
  options.pipe_errors = true;
  options.output_file = "/dev/null";
  const auto helper = StartOrDie(options);
  const std::string said = ReadLine(helper->errors());
  ASSERT_THAT(said, testing::StartsWith("child "));
  const pid_t grandchild = std::stoi(said.substr(6));
  ASSERT_TRUE(ProcessStartTime(grandchild).has_value());
  ASSERT_EQ(kill(helper->pid(), SIGKILL), 0);  // the helper alone: its child is in a group of its own
  EXPECT_EQ(helper->Wait(seconds(10))->signal, SIGKILL);
  EXPECT_TRUE(Eventually([&] { return !ProcessStartTime(grandchild).has_value(); }));
}

TEST(Subprocess, StartsManyAtOnceFromManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([i] {
      for (int j = 0; j < 5; ++j) {
        const auto child = StartOrDie(Shell("exit " + std::to_string(i)));
        EXPECT_EQ(child->Wait(seconds(20))->code, i);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Subprocess, NothingRunsBeforeItsNumberHasBeenTakenDown) {
  const std::string file = testing::TempDir() + "gate." + std::to_string(getpid());
  SubprocessOptions options = Shell("echo ran > " + file);
  pid_t told = 0;
  std::optional<std::uint64_t> start;
  options.before_exec = [&](pid_t pid) {
    told = pid;
    start = ProcessStartTime(pid);
    std::this_thread::sleep_for(milliseconds(200));
    EXPECT_FALSE(std::filesystem::exists(file));
    return absl::OkStatus();
  };
  const auto child = StartOrDie(options);
  EXPECT_EQ(child->pid(), told);
  ASSERT_TRUE(start.has_value());
  EXPECT_TRUE(child->Wait(seconds(20))->ok());
  EXPECT_TRUE(std::filesystem::remove(file));

  options.before_exec = [&](pid_t pid) {
    told = pid;
    return Internal("no room for it");
  };
  EXPECT_EQ(Subprocess::Start(options).status(), Internal("no room for it"));
  EXPECT_FALSE(ProcessStartTime(told).has_value());
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST(KillProcessesMarked, FindsThemWhereverTheyWent) {
  const std::string value = "of test " + std::to_string(getpid());
  SubprocessOptions options = Shell("setsid sleep 1000 & setsid sleep 1001 & echo ready; exec sleep 1000");
  options.environment = {{"LORIKEET_TEST_MARK", value}};
  options.pipe_output = true;
  const auto marked = StartOrDie(options);
  options.environment = {{"LORIKEET_TEST_MARK", value + "0"}};
  const auto other = StartOrDie(options);
  ReadLine(marked->output());
  ReadLine(other->output());
  // The shell's children may not have got as far as their own programs.
  int killed = 0;
  EXPECT_TRUE(Eventually([&] {
    const int now = KillProcessesMarked("LORIKEET_TEST_MARK", value);
    killed += now;
    return killed >= 3 && now == 0;
  }));
  EXPECT_EQ(marked->Wait(seconds(10))->signal, SIGKILL);
  EXPECT_TRUE(other->GroupAlive());
  killed = 0;
  EXPECT_TRUE(Eventually([&] {
    killed += KillProcessesMarked("LORIKEET_TEST_MARK", value + "0");
    return killed >= 3;
  }));
  EXPECT_EQ(KillProcessesMarked("LORIKEET_TEST_MARK", "nobody's"), 0);
}

TEST(ProcessStartTime, NamesAProcessForGood) {
  const auto mine = ProcessStartTime(getpid());
  ASSERT_TRUE(mine.has_value());
  EXPECT_EQ(ProcessStartTime(getpid()), mine);
  EXPECT_GT(*mine, 0u);
  EXPECT_FALSE(ProcessStartTime(0x3fffffff).has_value());
}

}  // namespace
}  // namespace lorikeet
