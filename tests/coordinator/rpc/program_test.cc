// The real sweep-coordinator: its flags, its exit codes, its token, its end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/files.h"
#include "common/rpc/channel.h"
#include "common/rpc/token.h"
#include "common/subprocess.h"
#include "lorikeet/v1/client.grpc.pb.h"

namespace lorikeet {
namespace {

using ::testing::HasSubstr;

// One call; its connection is gone when this returns.
grpc::Status List(const std::string& address, const std::string& token) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  rpc::Authorize(context, token);
  v1::ListSweepsResponse sweeps;
  return v1::SweepService::NewStub(*rpc::OpenChannel(address, ""))->ListSweeps(&context, {}, &sweeps);
}

class ProgramTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/lorikeet-coordinator-XXXXXX";
    folder_ = mkdtemp(name);
    setenv("XDG_CONFIG_HOME", (folder_ + "/config").c_str(), 1);
  }
  void TearDown() override {
    unsetenv("XDG_CONFIG_HOME");
    std::filesystem::remove_all(folder_);
  }
  std::string log() const { return ReadFile(folder_ + "/log").value_or(""); }

  std::unique_ptr<Subprocess> Start(const std::vector<std::string>& arguments) {
    SubprocessOptions options;
    options.command = {std::string(LORIKEET_BIN_DIR) + "/sweep-coordinator"};
    options.command.insert(options.command.end(), arguments.begin(), arguments.end());
    options.output_file = options.error_file = folder_ + "/log";
    auto process = Subprocess::Start(options);
    EXPECT_TRUE(process.ok()) << process.status();
    return *std::move(process);
  }
  // The exit code of a run that ends by itself.
  int Run(const std::vector<std::string>& arguments) {
    const auto process = Start(arguments);
    const std::optional<Exit> exit = process->Wait(std::chrono::seconds(30));
    if (!exit) ADD_FAILURE() << "it goes on:\n" << log();
    return exit && exit->signal == 0 ? exit->code : -1;
  }
  // Starts one on a free port; its address.
  std::pair<std::unique_ptr<Subprocess>, std::string> Serve(const std::string& data) {
    const std::string port_file = folder_ + "/port";
    std::filesystem::remove(port_file);
    auto process = Start({"--data", data, "--listen", "127.0.0.1:0", "--port-file", port_file});
    std::string address;
    for (int i = 0; i < 3000 && address.empty() && !process->Poll(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      const std::string text = ReadFile(port_file).value_or("");
      address = text.substr(0, text.find('\n'));
    }
    EXPECT_FALSE(address.empty()) << log();
    return {std::move(process), address};
  }

  std::string folder_;
};

TEST_F(ProgramTest, RefusesWrongUsageWithTwo) {
  EXPECT_EQ(Run({}), 2) << "--data is required";
  EXPECT_EQ(Run({"--data", folder_ + "/d", "--no-such-flag"}), 2);
  EXPECT_EQ(Run({"--data", folder_ + "/d", "--lease", "0"}), 2);
  EXPECT_EQ(Run({"--data", folder_ + "/d", "--listen", "nonsense"}), 2);
  EXPECT_THAT(log(), HasSubstr("'nonsense' is not ADDR:PORT"));
  EXPECT_EQ(Run({"--data", folder_ + "/d", "--log-level", "loud"}), 2);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/d")) << "wrong flags leave no folder behind";
}

TEST_F(ProgramTest, ListensBeyondLoopbackOnlyWithTlsAndAToken) {
  EXPECT_EQ(Run({"--data", folder_ + "/d", "--listen", "0.0.0.0:0"}), 2);
  EXPECT_THAT(log(), HasSubstr("--tls-certificate"));
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/c.pem", "-----BEGIN CERTIFICATE-----\n").ok());
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/k.pem", "-----BEGIN PRIVATE KEY-----\n").ok());
  EXPECT_EQ(Run({"--data", folder_ + "/d", "--listen", "0.0.0.0:0", "--tls-certificate", folder_ + "/c.pem",
                 "--tls-key", folder_ + "/k.pem"}),
            2);
  EXPECT_THAT(log(), HasSubstr("--token-file"));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/d"));
}

TEST_F(ProgramTest, ServesKeepsItsTokenAndLeavesOneFile) {
  const std::string data = folder_ + "/data";
  std::string token;
  for (int start = 0; start < 2; ++start) {
    const auto [process, address] = Serve(data);
    const StatusOr<std::string> found = rpc::FindToken("", address);
    ASSERT_TRUE(found.ok()) << found.status();
    struct stat info {};
    ASSERT_EQ(stat((*rpc::DefaultTokenFile(address)).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600U);
    if (start == 0) token = *found;
    EXPECT_EQ(*found, token) << "a restart keeps the token";

    EXPECT_TRUE(List(address, token).ok());

    process->Signal(start == 0 ? SIGTERM : SIGINT);
    const std::optional<Exit> exit = process->Wait(std::chrono::seconds(20));
    ASSERT_TRUE(exit.has_value()) << log();
    EXPECT_TRUE(exit->ok()) << Describe(*exit) << "\n" << log();
    EXPECT_TRUE(std::filesystem::exists(data + "/results.db"));
    EXPECT_FALSE(std::filesystem::exists(data + "/results.db-wal"));
    EXPECT_FALSE(std::filesystem::exists(data + "/results.db-shm"));
  }
}

TEST_F(ProgramTest, NamesAPortInUseAndAFolderInUse) {
  const auto [process, address] = Serve(folder_ + "/data");
  const std::string token = *rpc::FindToken("", address);
  EXPECT_EQ(Run({"--data", folder_ + "/other", "--listen", address}), 2);
  EXPECT_THAT(log(), HasSubstr(address));
  EXPECT_THAT(log(), HasSubstr("in use"));
  EXPECT_EQ(*rpc::FindToken("", address), token) << "the token belongs to whoever has the port";
  EXPECT_EQ(Run({"--data", folder_ + "/data", "--listen", "127.0.0.1:0"}), 2);
  EXPECT_THAT(log(), HasSubstr(std::to_string(process->pid()))) << "the holder is named";
}

}  // namespace
}  // namespace lorikeet
