// The real sweep-coordinator: its flags, its exit codes, its token, its end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/files.h"
#include "common/rpc/channel.h"
#include "common/rpc/token.h"
#include "common/subprocess.h"
#include "lorikeet/v1/client.grpc.pb.h"
#include "tests/paths.h"

namespace lorikeet {
namespace {

using ::testing::HasSubstr;

// More than anything here takes on a loaded machine.
constexpr std::chrono::seconds kWithin{60};

// Looks until it is so; false where it does not come to be.
bool Eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kWithin;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

// One call; its connection is gone when this returns.
grpc::Status List(const std::string& address, const std::string& token, const rpc::TlsFiles& tls = {}) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kWithin);
  rpc::Authorize(context, token);
  v1::ListSweepsResponse sweeps;
  return v1::SweepService::NewStub(*rpc::OpenChannel(address, tls))->ListSweeps(&context, {}, &sweeps);
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
    options.command = {std::string(kBinDir) + "/sweep-coordinator"};
    options.command.insert(options.command.end(), arguments.begin(), arguments.end());
    options.output_file = options.error_file = folder_ + "/log";
    auto process = Subprocess::Start(options);
    EXPECT_TRUE(process.ok()) << process.status();
    return *std::move(process);
  }
  // The exit code of a run that ends by itself.
  int Run(const std::vector<std::string>& arguments) {
    const auto process = Start(arguments);
    const std::optional<Exit> exit = process->Wait(kWithin);
    if (!exit) ADD_FAILURE() << "it goes on:\n" << log();
    return exit && exit->signal == 0 ? exit->code : -1;
  }
  // Starts one on a free port; its address.
  std::pair<std::unique_ptr<Subprocess>, std::string> Serve(const std::string& data) {
    const std::string port_file = folder_ + "/port";
    std::filesystem::remove(port_file);
    auto process = Start({"--data", data, "--listen", "127.0.0.1:0", "--port-file", port_file});
    std::string address = AddressIn(port_file, *process);
    return {std::move(process), std::move(address)};
  }
  // Once it is there.
  std::string AddressIn(const std::string& port_file, Subprocess& process) const {
    std::string address;
    const auto there = [&] {
      const bool ended = process.Poll().has_value();
      const std::string text = ReadFile(port_file).value_or("");
      address = text.substr(0, text.find('\n'));
      return ended || !address.empty();
    };
    EXPECT_TRUE(Eventually(there) && !address.empty()) << log();
    return address;
  }
  static void Shell(const std::string& command) {
    ASSERT_EQ(system((command + " 2>/dev/null").c_str()), 0)
        << command;  // NOLINT: commands of the test's own
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

TEST_F(ProgramTest, ListensBeyondLoopbackOnlyWithTlsAndTokensByRole) {
  const std::string data = folder_ + "/d", deploy = std::string(kSourceDir) + "/deploy/";
  EXPECT_EQ(Run({"--data", data, "--listen", "0.0.0.0:0"}), 2);
  EXPECT_THAT(log(), HasSubstr("--tls-certificate"));
  Shell(deploy + "make-certs.sh --out " + folder_ + "/tls --server 127.0.0.1");
  const std::vector<std::string> command = {"--data",
                                            data,
                                            "--listen",
                                            "0.0.0.0:0",
                                            "--port-file",
                                            folder_ + "/port",
                                            "--tls-certificate",
                                            folder_ + "/tls/server.crt",
                                            "--tls-key",
                                            folder_ + "/tls/server.key"};
  EXPECT_EQ(Run(command), 2);
  EXPECT_THAT(log(),
              HasSubstr("make-token.sh client NAME --data " + data + " and deploy/make-token.sh worker"));
  EXPECT_FALSE(std::filesystem::exists(data));

  Shell(deploy + "make-token.sh client alice --data " + data + " --out " + folder_ + "/alice");
  EXPECT_EQ(Run(command), 2);
  EXPECT_THAT(log(), HasSubstr("run deploy/make-token.sh worker NAME"));
  Shell(deploy + "make-token.sh worker gpu-1 --data " + data + " --out " + folder_ + "/gpu-1");
  std::vector<std::string> with_file = command;
  with_file.insert(with_file.end(), {"--token-file", folder_ + "/alice"});
  EXPECT_EQ(Run(with_file), 2);
  EXPECT_THAT(log(), HasSubstr("beyond loopback a token has a role"));

  const auto process = Start(command);
  const std::string port = AddressIn(folder_ + "/port", *process);
  ASSERT_NE(port, "");
  const std::string address = "127.0.0.1" + port.substr(port.rfind(':'));
  const rpc::TlsFiles tls{.certificate = {}, .key = {}, .ca = folder_ + "/tls/ca.crt"};
  EXPECT_TRUE(List(address, *rpc::ReadToken(folder_ + "/alice"), tls).ok());
  EXPECT_EQ(List(address, *rpc::ReadToken(folder_ + "/gpu-1"), tls).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_FALSE(std::filesystem::exists(data + "/token")) << "no token of every role";

  // Withdrawn, and noticed.
  const std::string alice = *rpc::ReadToken(folder_ + "/alice");
  Shell("sed -i '/^client alice /d' " + data + "/tokens");
  grpc::Status status;
  ASSERT_TRUE(Eventually([&] { return !(status = List(address, alice, tls)).ok(); }));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  // It counts before the log says so.
  ASSERT_TRUE(Eventually([&] { return log().find("read again, 1 token(s)") != std::string::npos; })) << log();
  EXPECT_THAT(log(), ::testing::Not(HasSubstr(alice))) << "no token in a log";
}

TEST_F(ProgramTest, NamesAMistakeInItsTokens) {
  const std::string data = folder_ + "/d";
  std::filesystem::create_directories(data);
  ASSERT_TRUE(WriteFileAtomically(data + "/tokens", "client alice\n", 0600).ok());
  EXPECT_EQ(Run({"--data", data, "--listen", "127.0.0.1:0"}), 2);
  EXPECT_THAT(log(), HasSubstr(data + "/tokens:1: "));
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
    const std::optional<Exit> exit = process->Wait(kWithin);
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

TEST_F(ProgramTest, ServesMetricsWhereItIsToldTo) {
  const std::string data = folder_ + "/data", port_file = folder_ + "/port";
  const auto process = Start({"--data", data, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0",
                              "--port-file", port_file, "--log-format", "json"});
  AddressIn(port_file, *process);
  std::string http;
  std::istringstream lines(log());
  for (std::string line; std::getline(lines, line);) {
    // The last line may be half written: the port's file is there before it.
    const auto object = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (object.is_object() && object.contains("http")) http = object["http"];
  }
  ASSERT_THAT(http, ::testing::StartsWith("127.0.0.1:")) << log();
  EXPECT_EQ(Run({"--data", folder_ + "/other", "--listen", "127.0.0.1:0", "--http", http}), 2);
  EXPECT_THAT(log(), HasSubstr("--http " + http + ": cannot listen there: Address already in use"));
}

TEST_F(ProgramTest, ServesSweepsWithoutMetricsWhereNobodyAskedForThatPort) {
  const int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(taken, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(7071);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // Coordinators of other tests may have it for a while.
  bool bound = false;  // once is enough, also where another who is bound as well listens first
  const auto take = [&] {
    bound = bound || bind(taken, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    return bound && listen(taken, 1) == 0;
  };
  ASSERT_TRUE(Eventually(take)) << "somebody keeps the port";
  const auto [process, served] = Serve(folder_ + "/data");
  EXPECT_TRUE(List(served, *rpc::FindToken("", served)).ok());
  EXPECT_THAT(log(), HasSubstr("no metrics: --http 127.0.0.1:7071: cannot listen there"));
  close(taken);
}

TEST_F(ProgramTest, ServesMetricsBeyondLoopbackOnlyWithTlsAndATokenThatMayRead) {
  const std::string data = folder_ + "/d", deploy = std::string(kSourceDir) + "/deploy/";
  std::vector<std::string> command = {"--data", data, "--listen", "127.0.0.1:0", "--http", "0.0.0.0:0"};
  EXPECT_EQ(Run(command), 2);
  EXPECT_THAT(log(), HasSubstr("--http 0.0.0.0:0: beyond loopback only with TLS: --tls-certificate"));
  Shell(deploy + "make-certs.sh --out " + folder_ + "/tls --server 127.0.0.1");
  command.insert(command.end(), {"--tls-certificate", folder_ + "/tls/server.crt", "--tls-key",
                                 folder_ + "/tls/server.key"});
  Shell(deploy + "make-token.sh worker gpu-1 --data " + data + " --out " + folder_ + "/gpu-1");
  EXPECT_EQ(Run(command), 2);
  EXPECT_THAT(log(), HasSubstr("run deploy/make-token.sh read NAME --data " + data + "; or --http off"));
}

}  // namespace
}  // namespace lorikeet
