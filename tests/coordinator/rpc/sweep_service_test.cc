#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "fixture.h"
#include "lorikeet/v1/client.grpc.pb.h"

namespace lorikeet::rpc {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr char kSweep[] = R"(sweep: tiny
model: ${MODELS}/base
data: {train: train.jsonl, validation: validation.jsonl, test: test.jsonl}
train: {epochs: 1}
arms:
  full: {learning_rate: 1.0e-3}
  lora: {rank: [2, 4], alpha_over_rank: 2, learning_rate: 1.0e-2}
seeds: [1, 2]
)";

class SweepServiceTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    stub_ = v1::SweepService::NewStub(channel_);
  }
  static v1::SubmitRequest Request() {
    v1::SubmitRequest request;
    request.set_protocol_version(1);
    request.set_text(kSweep);
    request.set_file("/sweeps/tiny.yaml");
    (*request.mutable_variables())["MODELS"] = "/models";
    return request;
  }

  std::unique_ptr<v1::SweepService::Stub> stub_;
};

TEST_F(SweepServiceTest, RefusesWithoutTheToken) {
  for (const std::string token : {"", "wrong"}) {
    const auto context = Context(token);
    v1::ListSweepsResponse response;
    EXPECT_EQ(stub_->ListSweeps(context.get(), {}, &response).error_code(),
              grpc::StatusCode::UNAUTHENTICATED);
    const auto submit = Context(token);
    v1::SubmitResponse submitted;
    EXPECT_EQ(stub_->Submit(submit.get(), Request(), &submitted).error_code(),
              grpc::StatusCode::UNAUTHENTICATED);
  }
  EXPECT_TRUE(service_.calls().empty());
}

TEST_F(SweepServiceTest, Submits) {
  const auto context = Context();
  v1::SubmitResponse response;
  const grpc::Status status = stub_->Submit(context.get(), Request(), &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.sweep_id(), "s-1");
  EXPECT_EQ(response.name(), "tiny");
  EXPECT_EQ(response.trials(), 12);
  EXPECT_TRUE(response.existing());
  EXPECT_EQ(response.warnings(0), "mind");
  EXPECT_THAT(service_.calls(), Contains("submit tiny"));
}

TEST_F(SweepServiceTest, NamesMistakesByFileLineAndColumn) {
  v1::SubmitRequest request = Request();
  request.set_text("sweep: x\nmodel: /m\narms:\n  lora: {rnak: [1, 2]}\n");
  const auto context = Context();
  v1::SubmitResponse response;
  const grpc::Status status = stub_->Submit(context.get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("tiny.yaml:4:"));
  EXPECT_TRUE(service_.calls().empty());
}

TEST_F(SweepServiceTest, RefusesAnotherProtocolAndHugeFiles) {
  v1::SubmitRequest request = Request();
  request.set_protocol_version(99);
  v1::SubmitResponse response;
  EXPECT_EQ(stub_->Submit(Context().get(), request, &response).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  request = Request();
  request.mutable_text()->append(2 << 20, '#');
  EXPECT_EQ(stub_->Submit(Context().get(), request, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(service_.calls().empty());
}

TEST_F(SweepServiceTest, AFailingStoreEndsTheProcess) {
  service_.AnswerSubmits(absl::AlreadyExistsError("other content"));
  v1::SubmitResponse response;
  EXPECT_EQ(stub_->Submit(Context().get(), Request(), &response).error_code(),
            grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_TRUE(fatal().ok());
  service_.FailTurns(Internal("disk gone"));
  EXPECT_EQ(stub_->Submit(Context().get(), Request(), &response).error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(stub_->Submit(Context().get(), Request(), &response).error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(WaitForFatal(), Internal("disk gone"));
}

TEST_F(SweepServiceTest, WhatComesToNothingIsSaid) {
  service_.FailTurns(MakeStatus(absl::StatusCode::kResourceExhausted, "no room"));
  v1::SubmitResponse response;
  EXPECT_EQ(stub_->Submit(Context().get(), Request(), &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  service_.FailTurns(absl::OkStatus());
  EXPECT_TRUE(stub_->Submit(Context().get(), Request(), &response).ok());
  EXPECT_TRUE(fatal().ok());
}

TEST_F(SweepServiceTest, Looks) {
  v1::GetSweepRequest request;
  request.set_sweep("tiny");
  v1::SweepStatus sweep;
  ASSERT_TRUE(stub_->GetSweep(Context().get(), request, &sweep).ok());
  EXPECT_EQ(sweep.id(), "s-1");
  EXPECT_EQ(sweep.state(), "running");
  EXPECT_EQ(sweep.trials(), 12);
  EXPECT_EQ(sweep.succeeded(), 5);
  EXPECT_EQ(sweep.waiting(0), "no worker is connected");
  EXPECT_EQ(sweep.eta_seconds(), 30);
  EXPECT_TRUE(sweep.finished_at().empty());

  request.set_sweep("none");
  EXPECT_EQ(stub_->GetSweep(Context().get(), request, &sweep).error_code(), grpc::StatusCode::NOT_FOUND);

  v1::ListEventsRequest events;
  events.set_sweep("tiny");
  events.set_after(1);
  v1::ListEventsResponse found;
  ASSERT_TRUE(stub_->ListEvents(Context().get(), events, &found).ok());
  ASSERT_EQ(found.events_size(), 2);
  EXPECT_EQ(found.events(0).message(), "line 2");
}

TEST_F(SweepServiceTest, Cancels) {
  v1::CancelRequest request;
  v1::CancelResponse response;
  request.set_sweep("tiny");
  ASSERT_TRUE(stub_->Cancel(Context().get(), request, &response).ok());
  EXPECT_EQ(response.trials_cancelled(), 4);
  EXPECT_EQ(response.state(), "cancelled");
}

TEST_F(SweepServiceTest, AnUnknownFormatOfTheTableIsRefused) {
  v1::GetTableRequest request;
  request.set_sweep("tiny");
  request.set_format("html");
  v1::GetTableResponse response;
  EXPECT_EQ(stub_->GetTable(Context().get(), request, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(SweepServiceTest, AnUnknownKindOfPictureIsRefused) {
  v1::GetPlotRequest request;
  request.set_sweep("tiny");
  request.set_kind("curve");
  v1::GetPlotResponse response;
  const grpc::Status status = stub_->GetPlot(Context().get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("did you mean 'curves'"));
}

TEST_F(SweepServiceTest, ARequestIdIsDoneOnce) {
  v1::SubmitRequest request = Request();
  request.set_request_id("r-1");
  (*request.mutable_variables())["MORE"] = "x";
  for (int i = 0; i < 3; ++i) {
    v1::SubmitResponse response;
    const auto status = stub_->Submit(Context().get(), request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.sweep_id(), "s-1");
    EXPECT_EQ(response.warnings_size(), 1);
  }
  const auto calls = service_.calls();
  EXPECT_EQ(std::count(calls.begin(), calls.end(), "submit tiny"), 1);

  v1::PauseRequest pause;
  pause.set_sweep("tiny");
  pause.set_request_id("r-2");
  v1::PauseResponse paused;
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(stub_->Pause(Context().get(), pause, &paused).ok());
  EXPECT_EQ(paused.running(), 2);
  pause.set_sweep("other");
  EXPECT_EQ(stub_->Pause(Context().get(), pause, &paused).error_code(), grpc::StatusCode::INVALID_ARGUMENT)
      << "another request";
  // The same fields in another kind of request are another request.
  v1::ResumeRequest resume;
  resume.set_sweep("tiny");
  resume.set_request_id("r-2");
  v1::ResumeResponse resumed;
  EXPECT_EQ(stub_->Resume(Context().get(), resume, &resumed).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  pause.set_sweep("tiny");
  pause.clear_request_id();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(stub_->Pause(Context().get(), pause, &paused).ok());
  const auto after = service_.calls();
  EXPECT_EQ(std::count(after.begin(), after.end(), "pause tiny"), 3);
}

TEST_F(SweepServiceTest, ARequestIdHasALimit) {
  v1::PauseRequest pause;
  pause.set_sweep("tiny");
  v1::PauseResponse paused;
  for (const std::string& id : {std::string(65, 'x'), std::string("a\nb")}) {
    pause.set_request_id(id);
    const auto status = stub_->Pause(Context().get(), pause, &paused);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr("request_id"));
  }
  v1::SubmitRequest submit = Request();
  submit.set_request_id(std::string(65, 'x'));
  v1::SubmitResponse submitted;
  EXPECT_EQ(stub_->Submit(Context().get(), submit, &submitted).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(SweepServiceTest, BenchmarksArriveWhole) {
  v1::PutBenchmarksRequest request;
  request.set_sweep("tiny");
  request.set_hostname("gpu-7");
  request.set_device("cuda:0");
  request.set_device_model("H100");
  request.set_threads(2);
  request.set_precision("bf16");
  request.set_beams(4);
  request.set_documents(32);
  request.set_build("0.1.0");
  v1::PutBenchmarksRequest::Benchmark& row = *request.add_rows();
  row.set_configuration("lora rank=2");
  row.set_variant("merged");
  row.set_trial_id("t-1");
  row.set_latency_p50_seconds(0.1);
  row.set_latency_p95_seconds(0.2);
  row.set_batch(16);
  row.set_tokens_per_second(900);
  row.set_tokens_per_summary(61.5);
  row.set_extra_tokens(5);
  const auto put = [&] {
    v1::PutBenchmarksResponse response;
    request.set_request_id("");
    const grpc::Status status = stub_->PutBenchmarks(Context().get(), request, &response);
    return std::pair(status, response);
  };
  const auto [status, response] = put();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.sweep(), "tiny");
  EXPECT_EQ(response.rows(), 1);
  EXPECT_EQ(response.replaced(), 1);
  ASSERT_EQ(service_.benchmarks.size(), 1u);
  const core::Benchmarks& got = service_.benchmarks[0];
  EXPECT_EQ(got.hostname + "|" + got.device + "|" + got.device_model + "|" + got.precision + "|" + got.build,
            "gpu-7|cuda:0|H100|bf16|0.1.0");
  EXPECT_EQ(got.threads * 10000 + got.beams * 1000 + got.documents, 24032);
  ASSERT_EQ(got.rows.size(), 1u);
  EXPECT_EQ(got.rows[0].configuration + "|" + got.rows[0].variant + "|" + got.rows[0].trial_id,
            "lora rank=2|merged|t-1");
  EXPECT_EQ(got.rows[0].latency_p50_seconds, 0.1);
  EXPECT_EQ(got.rows[0].latency_p95_seconds, 0.2);
  EXPECT_EQ(got.rows[0].batch, 16);
  EXPECT_EQ(got.rows[0].tokens_per_second, 900);
  EXPECT_EQ(got.rows[0].tokens_per_summary, 61.5);
  EXPECT_EQ(got.rows[0].extra_tokens, 5);
  row.set_variant("two\nlines");
  const grpc::Status refused = put().first;
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(refused.error_message(), HasSubstr("benchmarks.rows[0].variant"));
  EXPECT_EQ(service_.benchmarks.size(), 1u);
}

}  // namespace
}  // namespace lorikeet::rpc
