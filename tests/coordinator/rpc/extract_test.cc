// Extracts over the wire: who may, how many at a time, and that a client that does not read holds up nobody.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "fixture.h"
#include "lorikeet/v1/client.grpc.pb.h"
#include "tests/coordinator/store/fixture.h"

namespace lorikeet::rpc {
namespace {

using ::testing::HasSubstr;

// A database with some megabytes of predictions.
class ExtractRpcTest : public ServerTest {
 protected:
  void SetUp() override {
    auto store = *store::Store::Open(folder_.path(), {.build = "test", .vfs = ""});
    const Status filled = store->Write([&](store::Transaction& t) -> Status {
      RETURN_IF_ERROR(t.InsertSweep(store::MakeSweep("s-1", "demo")));
      RETURN_IF_ERROR(t.UpsertWorker(store::MakeWorker("w-1")));
      ASSIGN_OR_RETURN(const std::int64_t full,
                       t.InsertConfiguration(store::MakeConfiguration("s-1", 0, "full", "full")));
      RETURN_IF_ERROR(t.InsertTrial(store::MakeTrial("t-1", "s-1", full, 0, 1)));
      RETURN_IF_ERROR(t.InsertAttempt(store::MakeAttempt("a-1", "t-1", 1, "w-1")));
      for (int i = 0; i < kDocuments; ++i) {
        core::Prediction prediction = store::MakePrediction("test", "d" + std::to_string(i), 0.5);
        prediction.summary = std::string(4096, 'x');
        RETURN_IF_ERROR(t.StagePrediction("a-1", prediction));
      }
      return t.CommitResult("t-1", "a-1", store::MakeResult(0.5), store::At(9));
    });
    ASSERT_TRUE(filled.ok()) << filled;
    ServerOptions options = Options();
    options.database_path = folder_.database();
    server_ = *Server::Start(options, service_);
    channel_ = *OpenChannel(server_->address(), {});
    stub_ = v1::SweepService::NewStub(channel_);
  }
  struct Answer {
    std::string text;
    grpc::Status status;
  };
  Answer Read(const v1::ExtractRequest& request, const std::string& token = "secret") {
    const auto context = Context(token);
    const auto reader = stub_->Extract(context.get(), request);
    Answer answer;
    v1::ExtractPiece piece;
    while (reader->Read(&piece)) answer.text += piece.text();
    answer.status = reader->Finish();
    return answer;
  }
  static v1::ExtractRequest Predictions(const std::string& sweep = "demo") {
    v1::ExtractRequest request;
    request.set_what("predictions");
    request.set_name(sweep);
    return request;
  }

  static constexpr int kDocuments = 1500;
  store::Folder folder_;
  std::unique_ptr<v1::SweepService::Stub> stub_;
};

TEST_F(ExtractRpcTest, AllOfItComes) {
  const Answer answer = Read(Predictions());
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(std::count(answer.text.begin(), answer.text.end(), '\n'), kDocuments);
  EXPECT_EQ(answer.text.back(), '\n');
}

TEST_F(ExtractRpcTest, WithoutATokenNothingComes) {
  for (const char* token : {"", "wrong"}) {
    const Answer answer = Read(Predictions(), token);
    EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << answer.status.error_message();
    EXPECT_EQ(answer.text, "");
  }
}

TEST_F(ExtractRpcTest, WhatIsWrongIsSaid) {
  const Answer missing = Read(Predictions("dmeo"));
  EXPECT_EQ(missing.status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(missing.status.error_message(), HasSubstr("did you mean 'demo'?"));
  EXPECT_EQ(Read(Predictions(std::string(10'000, 'x'))).status.error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  v1::ExtractRequest other = Predictions();
  other.set_what("everything");
  EXPECT_EQ(Read(other).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ExtractRpcTest, ManyThatDoNotReadHoldUpNobodyAndOneMoreIsRefused) {
  struct Slow {
    std::unique_ptr<grpc::ClientContext> context;
    std::unique_ptr<grpc::ClientReader<v1::ExtractPiece>> reader;
  };
  std::vector<Slow> slow;
  for (int i = 0; i < 16; ++i) {
    Slow one{Context(), nullptr};
    one.reader = stub_->Extract(one.context.get(), Predictions());
    v1::ExtractPiece piece;
    ASSERT_TRUE(one.reader->Read(&piece)) << i;
    EXPECT_LE(piece.text().size(), std::size_t{128} << 10);
    slow.push_back(std::move(one));
  }
  const Answer refused = Read(Predictions());
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED)
      << refused.status.error_message();
  // The thread that reads is free: tables are answered.
  v1::GetTableRequest table;
  table.set_sweep("demo");
  v1::GetTableResponse response;
  EXPECT_TRUE(stub_->GetTable(Context().get(), table, &response).ok());
  for (Slow& one : slow) one.context->TryCancel();
  for (Slow& one : slow) EXPECT_EQ(one.reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(Eventually([&] { return Read(Predictions()).status.ok(); }));
}

}  // namespace
}  // namespace lorikeet::rpc
