// Scores that come over the wire: in parts, once, and within the limits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "coordinator/rpc/limits.h"
#include "fixture.h"
#include "lorikeet/v1/client.grpc.pb.h"

namespace lorikeet::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ScoresRpcTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    stub_ = v1::SweepService::NewStub(channel_);
  }
  static v1::PutScoresMessage Begin(const std::string& request_id = "") {
    v1::PutScoresMessage message;
    message.mutable_begin()->set_sweep("demo");
    message.mutable_begin()->set_predictions(true);
    message.mutable_begin()->set_source("spring");
    message.mutable_begin()->add_metrics("rouge1");
    message.mutable_begin()->set_request_id(request_id);
    return message;
  }
  static v1::PutScoresMessage Part(const std::string& row, std::int64_t seed,
                                   const std::vector<std::string>& ids) {
    v1::PutScoresMessage message;
    message.mutable_documents()->set_configuration(row);
    message.mutable_documents()->set_seed(seed);
    for (const std::string& id : ids) {
      v1::ScoredDocument& document = *message.mutable_documents()->add_documents();
      document.set_id(id);
      document.set_summary("summary of " + id);
      document.add_scores(0.5);
    }
    return message;
  }
  grpc::Status Put(const std::vector<v1::PutScoresMessage>& messages, const std::string& token = "secret") {
    const auto context = Context(token);
    const auto writer = stub_->PutScores(context.get(), &response_);
    for (const v1::PutScoresMessage& message : messages) {
      if (!writer->Write(message)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }
  grpc::Status Refused(const std::vector<v1::PutScoresMessage>& messages,
                       const std::string& token = "secret") {
    grpc::Status status = Put(messages, token);
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(service_.uploads.size(), 0u);
    return status;
  }

  std::unique_ptr<v1::SweepService::Stub> stub_;
  v1::PutScoresResponse response_;
};

TEST_F(ScoresRpcTest, PartsOfARunAreOneRun) {
  const grpc::Status put = Put({Begin(), Part("a", 1, {"d1", "d2"}), Part("a", 1, {"d3"}),
                                Part("a", 2, {"d1"}), Part("b", 2, {"d1"})});
  ASSERT_TRUE(put.ok()) << put.error_message();
  EXPECT_EQ(response_.sweep(), "demo");
  EXPECT_EQ(response_.documents(), 2);
  ASSERT_EQ(service_.uploads.size(), 1u);
  const service::ScoresUpload& upload = service_.uploads[0];
  EXPECT_TRUE(upload.predictions);
  EXPECT_EQ(upload.source, "spring");
  EXPECT_THAT(upload.metrics, ElementsAre("rouge1"));
  ASSERT_EQ(upload.runs.size(), 3u);
  EXPECT_EQ(upload.runs[0].documents.size(), 3u);
  EXPECT_EQ(upload.runs[0].documents[2].id, "d3");
  EXPECT_EQ(upload.runs[0].documents[2].summary, "summary of d3");
  EXPECT_THAT(upload.runs[0].documents[2].scores, ElementsAre(0.5));
  EXPECT_EQ(upload.runs[1].seed, 2);
  EXPECT_EQ(upload.runs[2].configuration, "b");
}

TEST_F(ScoresRpcTest, WhatDoesNotBeginOrBeginsTwiceIsRefused) {
  EXPECT_THAT(Refused({}).error_message(), HasSubstr("the first message of scores"));
  EXPECT_THAT(Refused({Part("a", 1, {"d1"})}).error_message(), HasSubstr("the first message of scores"));
  EXPECT_THAT(Refused({Begin(), Begin()}).error_message(), HasSubstr("the first message of scores"));
}

TEST_F(ScoresRpcTest, WhatIsOverALimitIsRefused) {
  EXPECT_THAT(Refused({Begin(), Part("a\nb", 1, {"d1"})}).error_message(), HasSubstr("control characters"));
  EXPECT_THAT(Refused({Begin(), Part(std::string(300, 'x'), 1, {"d1"})}).error_message(),
              HasSubstr("scores.configuration: 300 bytes; at most 256"));
  EXPECT_THAT(Refused({Begin(), Part("a", 1, {std::string(kMostDocumentIdBytes + 1, 'x')})}).error_message(),
              HasSubstr("scores.documents[0].id: 4097 bytes"));
  EXPECT_THAT(Refused({Begin(), Part("a", 1, std::vector<std::string>(kMostScoredDocuments + 1, "d"))})
                  .error_message(),
              HasSubstr("at most 10000"));
  v1::PutScoresMessage long_text = Part("a", 1, {"d1"});
  long_text.mutable_documents()->mutable_documents(0)->set_summary(std::string(kMostTextBytes + 1, 'x'));
  EXPECT_THAT(Refused({Begin(), long_text}).error_message(), HasSubstr("documents[0].summary"));
}

TEST_F(ScoresRpcTest, ItTakesAClientsToken) {
  EXPECT_EQ(Refused({Begin(), Part("a", 1, {"d1"})}, "wrong").error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
}

}  // namespace
}  // namespace lorikeet::rpc
