// Tokens by role, as calls meet them, and a token that is withdrawn meanwhile.
#include "coordinator/rpc/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "common/files.h"
#include "fixture.h"
#include "lorikeet/v1/client.grpc.pb.h"
#include "worker_client.h"

namespace lorikeet::rpc {
namespace {

using ::testing::HasSubstr;

std::string Hex(const TokenHash& hash) {
  std::string text;
  for (const unsigned char byte : hash) text += fmt::format("{:02x}", byte);
  return text;
}
std::string Line(const std::string& role, const std::string& name, const std::string& token) {
  return role + " " + name + " " + Hex(HashOfToken(token)) + "\n";
}

class AccessTest : public ServerTest {
 protected:
  void SetUp() override {
    char name[] = "/tmp/lorikeet-access-XXXXXX";
    folder_ = mkdtemp(name);
    Write(Line("client", "alice", "alices") + Line("worker", "gpu-1", "gpus") +
          Line("read", "wall", "walls"));
    auto access = Access::Create("secret", file());
    ASSERT_TRUE(access.ok()) << access.status();
    access_ = *std::move(access);
    ServerTest::SetUp();
    stub_ = v1::SweepService::NewStub(channel_);
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }
  std::string file() const { return folder_ + "/tokens"; }
  void Write(const std::string& text) const { ASSERT_TRUE(WriteFileAtomically(file(), text, 0600).ok()); }

  grpc::Status List(const std::string& token) {
    v1::ListSweepsResponse response;
    return stub_->ListSweeps(Context(token).get(), {}, &response);
  }
  grpc::Status Pause(const std::string& token) {
    v1::PauseRequest request;
    request.set_sweep("tiny");
    v1::PauseResponse response;
    return stub_->Pause(Context(token).get(), request, &response);
  }
  grpc::Status Session(const std::string& token) {
    Worker worker(channel_, Context(token));
    worker.Hello("w");
    worker.CloseWriting();
    return worker.End();
  }

  std::string folder_;
  std::unique_ptr<v1::SweepService::Stub> stub_;
};

TEST_F(AccessTest, EachRoleDoesItsPartAndNoMore) {
  const grpc::StatusCode ok = grpc::StatusCode::OK, denied = grpc::StatusCode::PERMISSION_DENIED,
                         unknown = grpc::StatusCode::UNAUTHENTICATED;
  struct Row {
    std::string token;
    grpc::StatusCode list, pause, session;
  };
  for (const Row& row : {Row{"secret", ok, ok, ok}, Row{"alices", ok, ok, denied},
                         Row{"walls", ok, denied, denied}, Row{"gpus", denied, denied, ok},
                         Row{"nobodys", unknown, unknown, unknown}, Row{"", unknown, unknown, unknown}}) {
    EXPECT_EQ(List(row.token).error_code(), row.list) << row.token;
    EXPECT_EQ(Pause(row.token).error_code(), row.pause) << row.token;
    EXPECT_EQ(Session(row.token).error_code(), row.session) << row.token;
  }
}

TEST_F(AccessTest, EveryCallWantsItsRole) {
  using Stub = v1::SweepService::Stub;
  const auto call = [&](auto method, auto request, const std::string& token) {
    const auto context = Context(token);
    using Response = std::remove_pointer_t<decltype(
        []<typename R, typename Q>(grpc::Status (Stub::*)(grpc::ClientContext*, const Q&, R*)) -> R* {
          return nullptr;
        }(method))>;
    Response response;
    return ((*stub_).*method)(context.get(), request, &response).error_code();
  };
  const auto needs = [&](const char* what, Role role, auto method, auto request) {
    EXPECT_EQ(call(method, request, "gpus"), grpc::StatusCode::PERMISSION_DENIED) << what;
    EXPECT_EQ(call(method, request, "walls") == grpc::StatusCode::PERMISSION_DENIED, role == Role::kClient)
        << what;
    EXPECT_NE(call(method, request, "alices"), grpc::StatusCode::PERMISSION_DENIED) << what;
  };
  needs("ListSweeps", Role::kRead, &Stub::ListSweeps, v1::ListSweepsRequest());
  needs("GetSweep", Role::kRead, &Stub::GetSweep, v1::GetSweepRequest());
  needs("ListTrials", Role::kRead, &Stub::ListTrials, v1::ListTrialsRequest());
  needs("GetTrial", Role::kRead, &Stub::GetTrial, v1::GetTrialRequest());
  needs("ListEvents", Role::kRead, &Stub::ListEvents, v1::ListEventsRequest());
  needs("GetTable", Role::kRead, &Stub::GetTable, v1::GetTableRequest());
  needs("GetPlot", Role::kRead, &Stub::GetPlot, v1::GetPlotRequest());
  needs("ListWorkers", Role::kRead, &Stub::ListWorkers, v1::ListWorkersRequest());
  needs("Submit", Role::kClient, &Stub::Submit, v1::SubmitRequest());
  needs("Cancel", Role::kClient, &Stub::Cancel, v1::CancelRequest());
  needs("Pause", Role::kClient, &Stub::Pause, v1::PauseRequest());
  needs("Resume", Role::kClient, &Stub::Resume, v1::ResumeRequest());
  needs("Retry", Role::kClient, &Stub::Retry, v1::RetryRequest());
  needs("ImportRow", Role::kClient, &Stub::ImportRow, v1::ImportRowRequest());
  needs("PutBenchmarks", Role::kClient, &Stub::PutBenchmarks, v1::PutBenchmarksRequest());
  needs("DrainWorker", Role::kClient, &Stub::DrainWorker, v1::DrainWorkerRequest());
}

TEST_F(AccessTest, ADenialSaysWhatWouldBeRight) {
  EXPECT_THAT(Pause("walls").error_message(),
              HasSubstr("that of 'read wall', and this needs a client's token"));
  EXPECT_THAT(List("gpus").error_message(),
              HasSubstr("'worker gpu-1', and this needs a client's or a read token"));
  EXPECT_THAT(Session("alices").error_message(),
              HasSubstr("'client alice', and this needs a worker's token"));
  for (const grpc::Status& status : {Pause("walls"), List("nobodys")}) {
    EXPECT_THAT(status.error_message(), ::testing::Not(HasSubstr("walls")));
    EXPECT_THAT(status.error_message(), ::testing::Not(HasSubstr("nobodys")));
  }
}

TEST_F(AccessTest, ATokenIsMadeAndWithdrawnWithoutARestart) {
  EXPECT_FALSE(access_->Reload()->has_value()) << "nothing has changed";
  Write(Line("client", "bob", "bobs") + Line("worker", "gpu-1", "gpus"));
  EXPECT_TRUE(List("alices").ok()) << "not read yet";
  EXPECT_EQ(*access_->Reload(), std::optional<std::size_t>(2));
  EXPECT_EQ(List("alices").error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(List("bobs").ok());
  EXPECT_TRUE(List("secret").ok()) << "its own stays";
}

TEST_F(AccessTest, AFileThatCannotBeReadChangesNothing) {
  Write("nonsense\n");
  EXPECT_THAT(Message(access_->Reload().status()), HasSubstr("/tokens:1: "));
  EXPECT_TRUE(access_->Reload().ok()) << "said once";
  EXPECT_TRUE(List("alices").ok());
  Write(Line("client", "bob", "bobs"));
  ASSERT_EQ(chmod(file().c_str(), 0644), 0);
  EXPECT_THAT(Message(access_->Reload().status()), HasSubstr("chmod 600"));
  EXPECT_EQ(List("bobs").error_code(), grpc::StatusCode::UNAUTHENTICATED);
  std::filesystem::remove(file());
  EXPECT_TRUE(absl::IsNotFound(access_->Reload().status()));
  EXPECT_TRUE(List("alices").ok());
}

TEST_F(AccessTest, AFileThatCannotBeReadJustNowIsReadAgain) {
  std::filesystem::remove(file());
  std::filesystem::create_symlink(file(), file());  // a loop
  EXPECT_TRUE(absl::IsInternal(access_->Reload().status()));
  EXPECT_TRUE(absl::IsInternal(access_->Reload().status())) << "nobody looked a second time";
  EXPECT_TRUE(List("alices").ok());
}

TEST_F(AccessTest, ASessionEndsWithItsToken) {
  Worker withdrawn(channel_, Context("gpus"));
  ASSERT_TRUE(withdrawn.Hello("w"));
  ASSERT_TRUE(withdrawn.Read().has_welcome());
  Worker stays(channel_, Context("secret"));
  ASSERT_TRUE(stays.Hello("v"));
  ASSERT_TRUE(stays.Read().has_welcome());
  grpc::Status end;
  std::thread reader([&] { end = withdrawn.End(); });
  Write(Line("client", "alice", "alices"));
  ASSERT_TRUE(access_->Reload().ok());
  clock_.Advance(std::chrono::seconds(2));
  reader.join();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(end.error_message(), HasSubstr("withdrawn"));
  EXPECT_TRUE(service_.WaitFor("disconnect 1"));
  stays.CloseWriting();
  EXPECT_TRUE(stays.End().ok());
}

TEST_F(AccessTest, TheFileMayBeMissingButNotWrong) {
  EXPECT_TRUE(Access::Create("secret", folder_ + "/none").ok());
  Write("nonsense\n");
  EXPECT_TRUE(absl::IsInvalidArgument(Access::Create("secret", file()).status()));
  EXPECT_FALSE((*Access::Create("secret", ""))->Has(Role::kClient)) << "its own is nobody's";
}

}  // namespace
}  // namespace lorikeet::rpc
