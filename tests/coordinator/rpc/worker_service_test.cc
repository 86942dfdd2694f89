#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "coordinator/rpc/worker_stream.h"
#include "fixture.h"
#include "lorikeet/v1/worker.grpc.pb.h"
#include "worker_client.h"

namespace lorikeet::rpc {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class WorkerServiceTest : public ServerTest {
 protected:
  Worker Connect(const std::string& token = "secret") { return {channel_, Context(token)}; }
  static v1::WorkerMessage Batch(std::int64_t first, int count, std::size_t bytes = 10) {
    v1::WorkerMessage message;
    v1::EventBatch& batch = *message.mutable_events();
    batch.set_attempt_id("a-1");
    batch.set_token(3);
    for (int i = 0; i < count; ++i) {
      v1::Event& event = *batch.add_events();
      event.set_sequence(first + i);
      event.mutable_document()->set_id("d" + std::to_string(first + i));
      event.mutable_document()->set_article(std::string(bytes, 'x'));
    }
    return message;
  }
};

TEST_F(WorkerServiceTest, RefusesWithoutTheToken) {
  for (const std::string token : {"", "wrong"}) {
    Worker worker = Connect(token);
    worker.Hello("w");
    EXPECT_EQ(worker.End().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  }
  EXPECT_THAT(service_.calls(), Not(Contains("hello w")));
}

TEST_F(WorkerServiceTest, WelcomesAndPassesMessagesOn) {
  Worker worker = Connect();
  ASSERT_TRUE(worker.Hello("w"));
  const v1::CoordinatorMessage welcome = worker.Read();
  ASSERT_TRUE(welcome.has_welcome());
  EXPECT_EQ(welcome.welcome().session(), 1);
  EXPECT_EQ(welcome.welcome().protocol_version(), 1);
  EXPECT_EQ(welcome.welcome().build(), "test build");
  EXPECT_EQ(welcome.welcome().lease_milliseconds(), 60'000);
  EXPECT_EQ(welcome.welcome().renew_milliseconds(), 10'000);
  EXPECT_EQ(welcome.welcome().keep(0), "a-1");
  EXPECT_EQ(welcome.welcome().committed(0), 7);
  EXPECT_EQ(welcome.welcome().stop(0), "a-2");

  v1::WorkerMessage renew;
  renew.mutable_renew()->set_nonce(42);
  renew.mutable_renew()->add_leases()->set_attempt_id("a-1");
  ASSERT_TRUE(worker.Write(renew));
  const v1::CoordinatorMessage renewed = worker.Read();
  EXPECT_EQ(renewed.renewed().nonce(), 42);
  EXPECT_EQ(renewed.renewed().attempt_ids(0), "a-1");

  v1::WorkerMessage progress, closed, draining;
  progress.mutable_progress()->set_attempt_id("a-1");
  progress.mutable_progress()->set_phase("train");
  closed.mutable_closed()->set_attempt_id("a-1");
  draining.mutable_draining();
  for (const auto& message : {progress, closed, draining}) ASSERT_TRUE(worker.Write(message));
  EXPECT_TRUE(service_.WaitFor("progress a-1 train"));
  EXPECT_TRUE(service_.WaitFor("closed a-1"));
  EXPECT_TRUE(service_.WaitFor("draining 1"));
  worker.CloseWriting();
  EXPECT_TRUE(worker.End().ok());
  EXPECT_TRUE(service_.WaitFor("disconnect 1"));
}

TEST_F(WorkerServiceTest, WhatIsSaidWithTheWelcomeArrivesWithIt) {
  Worker worker = Connect();
  ASSERT_TRUE(worker.Hello("w-drained"));
  EXPECT_TRUE(worker.Read().has_welcome());
  EXPECT_TRUE(worker.Read().has_drain());
}

TEST_F(WorkerServiceTest, AcknowledgesBatchesInOrder) {
  Worker worker = Connect();
  ASSERT_TRUE(worker.Hello("w"));
  ASSERT_TRUE(worker.Read().has_welcome());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(worker.Write(Batch(1 + 10 * i, 10)));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(worker.Read().ack().sequence(), 10 * (i + 1));
  const auto reports = service_.reports();
  ASSERT_EQ(reports.size(), 50U);
  EXPECT_EQ(reports[3].token, 3);
  EXPECT_EQ(reports[3].events.front().first, 31);
  EXPECT_EQ(std::get<core::Document>(reports[3].events.front().second).id, "d31");
}

TEST_F(WorkerServiceTest, TakesWholeArticles) {
  Worker worker = Connect();
  ASSERT_TRUE(worker.Hello("w"));
  ASSERT_TRUE(worker.Read().has_welcome());
  ASSERT_TRUE(worker.Write(Batch(1, 1, 16 << 20)));
  EXPECT_EQ(worker.Read().ack().sequence(), 1);
}

TEST_F(WorkerServiceTest, HelloComesFirstAndOnce) {
  Worker silent = Connect();
  silent.Write(Batch(1, 1));
  const grpc::Status first = silent.End();
  EXPECT_EQ(first.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(first.error_message(), HasSubstr("Hello"));
  EXPECT_TRUE(service_.reports().empty());

  Worker twice = Connect();
  twice.Hello("w");
  twice.Hello("w");
  EXPECT_EQ(twice.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(service_.WaitFor("disconnect 1"));
}

TEST_F(WorkerServiceTest, RefusesWhatItDoesNotKnow) {
  Worker worker = Connect();
  worker.Hello("w");
  worker.Write(v1::WorkerMessage());
  EXPECT_EQ(worker.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(WorkerServiceTest, AReportThatNobodyCanReadDoesNotEndItsNeighbours) {
  Worker newer = Connect();
  newer.Hello("w");
  v1::WorkerMessage message = Batch(1, 1);
  const std::string attempt = message.events().attempt_id();
  message.mutable_events()->mutable_events(0)->clear_event();
  newer.Write(message);
  newer.Write(Batch(1, 1));
  EXPECT_TRUE(service_.WaitFor("report 1"));
  EXPECT_EQ(service_.reports().size(), 1U);
  EXPECT_THAT(service_.calls(), Contains(HasSubstr("unreadable " + attempt)));
}

TEST_F(WorkerServiceTest, RefusesAnotherProtocol) {
  Worker worker = Connect();
  worker.Hello("w", 99);
  EXPECT_EQ(worker.End().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(WorkerServiceTest, AFailingStoreEndsTheProcess) {
  Worker worker = Connect();
  worker.Hello("w");
  ASSERT_TRUE(service_.WaitFor("hello w"));
  service_.FailTurns(Internal("disk gone"));
  worker.Write(Batch(1, 1));
  EXPECT_EQ(worker.End().error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(WaitForFatal(), Internal("disk gone"));
}

TEST_F(WorkerServiceTest, AReplacedSessionHearsItAndEnds) {
  Worker worker = Connect();
  worker.Hello("w");
  ASSERT_TRUE(worker.Read().has_welcome());
  const auto connection = service_.connection();
  connection->Send(service::Ack{.attempt_id = "a-1", .sequence = 1, .superseded = false});
  connection->Send(service::Replaced{.reason = "newer"});
  connection->Send(service::DrainRequest{});  // too late
  EXPECT_TRUE(worker.End().ok());
  EXPECT_EQ(worker.last().replaced().reason(), "newer");
  EXPECT_TRUE(service_.WaitFor("disconnect 1"));
  connection->Send(service::DrainRequest{});  // the reactor is gone: dropped
}

TEST_F(WorkerServiceTest, AWorkerThatVanishesIsDisconnected) {
  {
    Worker worker = Connect();
    worker.Hello("w");
    ASSERT_TRUE(worker.Read().has_welcome());
    worker.Cancel();
    EXPECT_EQ(worker.End().error_code(), grpc::StatusCode::CANCELLED);
  }
  EXPECT_TRUE(service_.WaitFor("disconnect 1"));
}

TEST_F(WorkerServiceTest, AWorkerThatDoesNotReadIsCutOff) {
  Worker worker = Connect();
  worker.Hello("w");
  ASSERT_TRUE(service_.WaitFor("hello w"));
  const auto connection = service_.connection();
  // gRPC's own buffers take some; the queue behind them is bounded.
  const std::string large(64 << 10, 'x');
  for (std::size_t i = 0; i < 2 * WorkerStream::kMostQueued; ++i) {
    connection->Send(service::Revoke{
        .attempt_id = "a-1", .token = 1, .checkpoint = false, .trial_over = false, .reason = large});
  }
  EXPECT_TRUE(service_.WaitFor("disconnect 1"));
}

TEST_F(WorkerServiceTest, ShutdownEndsStreamsAtOnce) {
  Worker worker = Connect();
  worker.Hello("w");
  ASSERT_TRUE(worker.Read().has_welcome());
  const auto connection = service_.connection();
  std::thread sender([&] {
    for (int i = 0; i < 1000; ++i) connection->Send(service::DrainRequest{});
  });
  grpc::Status end;
  std::thread reader([&] { end = worker.End(); });
  const auto begin = std::chrono::steady_clock::now();
  server_->Shutdown(std::chrono::seconds(20));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  sender.join();
  reader.join();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(service_.calls(), Contains("disconnect 1")) << "the service is not called after Shutdown";
}

TEST_F(WorkerServiceTest, ManyWorkersAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([this, i] {
      Worker worker = Connect();
      worker.Hello("w" + std::to_string(i));
      EXPECT_TRUE(worker.Read().has_welcome());
      worker.CloseWriting();
      EXPECT_TRUE(worker.End().ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 1; i <= 16; ++i) EXPECT_TRUE(service_.WaitFor("disconnect " + std::to_string(i)));
}

}  // namespace
}  // namespace lorikeet::rpc
