// What the client does where an answer does not come.
#include "sweeps/sweepctl/client.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "common/files.h"
#include "lorikeet/v1/client.grpc.pb.h"

namespace lorikeet::sweepctl {
namespace {

using std::chrono::seconds;
using ::testing::SizeIs;

// Answers each call as it is told, then OK, and remembers the request ids.
class Coordinator final : public v1::SweepService::Service {
 public:
  grpc::Status Pause(grpc::ServerContext*, const v1::PauseRequest* request,
                     v1::PauseResponse* response) override {
    response->set_sweep(request->sweep());
    return Answer(request->request_id());
  }
  grpc::Status Submit(grpc::ServerContext*, const v1::SubmitRequest* request,
                      v1::SubmitResponse* response) override {
    response->set_sweep_id("s-1");
    return Answer(request->request_id());
  }
  grpc::Status ListSweeps(grpc::ServerContext*, const v1::ListSweepsRequest*,
                          v1::ListSweepsResponse*) override {
    return Answer("list");
  }
  std::vector<std::string> ids() {
    absl::MutexLock lock(&mutex_);
    return ids_;
  }
  void Refuse(int times, grpc::StatusCode code) {
    absl::MutexLock lock(&mutex_);
    refusals_ = times;
    code_ = code;
  }

 private:
  grpc::Status Answer(const std::string& id) {
    absl::MutexLock lock(&mutex_);
    ids_.push_back(id);
    return refusals_-- > 0 ? grpc::Status(code_, "not now") : grpc::Status::OK;
  }
  absl::Mutex mutex_;
  std::vector<std::string> ids_;
  int refusals_ = 0;
  grpc::StatusCode code_ = grpc::StatusCode::UNAVAILABLE;
};

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() {
    char name[] = "/tmp/lorikeet-client-XXXXXX";
    folder_ = mkdtemp(name);
    EXPECT_TRUE(WriteFileAtomically(folder_ + "/token", "secret", 0600).ok());
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&coordinator_);
    server_ = builder.BuildAndStart();
    client_ = ClientOf(port);
  }
  ~ClientTest() override { std::filesystem::remove_all(folder_); }
  std::unique_ptr<Client> ClientOf(int port) const {
    auto client = Client::Create({.coordinator = "127.0.0.1:" + std::to_string(port),
                                  .token_file = folder_ + "/token",
                                  .tls_ca = {},
                                  .data = {}});
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  std::string folder_;
  Coordinator coordinator_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(ClientTest, WhatActsIsAskedAgainUnderItsId) {
  coordinator_.Refuse(2, grpc::StatusCode::UNAVAILABLE);
  const auto paused = client_->Pause("tiny");
  ASSERT_TRUE(paused.ok()) << paused.status();
  EXPECT_EQ(paused->sweep(), "tiny");
  const auto ids = coordinator_.ids();
  ASSERT_THAT(ids, SizeIs(3));
  EXPECT_THAT(ids[0], SizeIs(36));
  EXPECT_EQ(ids[1], ids[0]);
  EXPECT_EQ(ids[2], ids[0]);
}

TEST_F(ClientTest, EveryCommandHasAnIdOfItsOwn) {
  ASSERT_TRUE(client_->Pause("tiny").ok());
  ASSERT_TRUE(client_->Pause("tiny").ok());
  ASSERT_TRUE(client_->Submit({}).ok());
  const auto ids = coordinator_.ids();
  ASSERT_THAT(ids, SizeIs(3));
  EXPECT_NE(ids[0], ids[1]);
  EXPECT_NE(ids[1], ids[2]);
}

TEST_F(ClientTest, AnAnswerIsTakenAsItIs) {
  coordinator_.Refuse(1, grpc::StatusCode::NOT_FOUND);
  EXPECT_TRUE(absl::IsNotFound(client_->Pause("tiny").status()));
  EXPECT_THAT(coordinator_.ids(), SizeIs(1));
}

TEST_F(ClientTest, WhatLooksIsAskedOnce) {
  coordinator_.Refuse(1, grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(absl::IsUnavailable(client_->ListSweeps().status()));
  EXPECT_THAT(coordinator_.ids(), SizeIs(1));
}

TEST_F(ClientTest, WhereNobodyListensItSaysSoAtOnce) {
  // Bound, so that nobody else is given the port, and not listening.
  const int bound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(bound, reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(bound, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto client = ClientOf(ntohs(address.sin_port));
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(absl::IsUnavailable(client->Pause("tiny").status()));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(20)) << "not asked again for half a minute";
  close(bound);
}

}  // namespace
}  // namespace lorikeet::sweepctl
