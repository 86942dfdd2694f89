// Streams that say nothing, by a clock that the test holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "fixture.h"
#include "lorikeet/v1/client.grpc.pb.h"
#include "worker_client.h"

namespace lorikeet::rpc {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

class SilenceTest : public ServerTest {
 protected:
  Worker Connect() { return {channel_, Context()}; }
  // Time goes by, a step at a time, as it does for a process that is awake: after each the server has looked
  // at its streams.
  void Pass(seconds time) {
    constexpr seconds kStep{4};
    for (; time > seconds(0); time -= kStep) {
      clock_.Advance(std::min(time, kStep));
      // What is asked is answered by the service's thread, which then looks; the second answer comes after
      // that.
      for (int i = 0; i < 2; ++i) {
        v1::ListSweepsResponse sweeps;
        const grpc::Status listed =
            v1::SweepService::NewStub(channel_)->ListSweeps(Context().get(), {}, &sweeps);
        ASSERT_TRUE(listed.ok()) << listed.error_code() << ": " << listed.error_message();
      }
    }
  }
  // Time goes on until the server ends the stream. It may have begun to wait only now: where one message was
  // read, gRPC's thread asks for the next in its own time, and no answer tells that it has.
  grpc::Status PassUntilEnd(Worker& worker) {
    std::atomic<bool> ended = false;
    grpc::Status end;
    std::thread reader([&] {
      end = worker.End();
      ended = true;
    });
    const auto deadline = std::chrono::steady_clock::now() + seconds(60);
    while (!ended && !HasFatalFailure() && std::chrono::steady_clock::now() < deadline) Pass(seconds(4));
    EXPECT_TRUE(ended) << "the server does not end the stream";
    if (!ended) worker.Cancel();  // else there would be nothing to join
    reader.join();
    return end;
  }
  // Waits until the server has the stream and has read it.
  void Greet(Worker& worker) {
    ASSERT_TRUE(worker.Hello("w"));
    ASSERT_TRUE(worker.Read().has_welcome());
    v1::WorkerMessage draining;
    draining.mutable_draining();
    ASSERT_TRUE(worker.Write(draining));
    ASSERT_TRUE(service_.WaitFor("draining 1"));
  }
};

TEST_F(SilenceTest, AStreamWithoutHelloIsEnded) {
  Worker silent = Connect();
  const grpc::Status end = PassUntilEnd(silent);
  EXPECT_EQ(end.error_code(), grpc::StatusCode::CANCELLED) << end.error_message();
  EXPECT_THAT(end.error_message(), HasSubstr("no Hello came within 10 s"));
}

TEST_F(SilenceTest, AWorkerThatIsSilentForThreeLeasesIsCutOff) {
  Worker worker = Connect();
  Greet(worker);
  Pass(seconds(176));
  EXPECT_THAT(service_.calls(), ::testing::Not(::testing::Contains("disconnect 1")));
  const grpc::Status end = PassUntilEnd(worker);
  EXPECT_EQ(end.error_code(), grpc::StatusCode::CANCELLED) << end.error_message();
  EXPECT_THAT(end.error_message(), HasSubstr("has said nothing for 180 s"));
  EXPECT_TRUE(service_.WaitFor("disconnect 1"));
}

TEST_F(SilenceTest, AWordStartsItAnew) {
  Worker worker = Connect();
  Greet(worker);
  for (int i = 0; i < 3; ++i) {
    Pass(seconds(120));
    v1::WorkerMessage renew;
    renew.mutable_renew()->set_nonce(i);
    renew.mutable_renew()->add_leases()->set_attempt_id("a-1");
    ASSERT_TRUE(worker.Write(renew));
    ASSERT_EQ(worker.Read().renewed().nonce(), i);
  }
  EXPECT_THAT(service_.calls(), ::testing::Not(::testing::Contains("disconnect 1")));
}

TEST_F(SilenceTest, AWorkerThatWaitsForItsWelcomeIsNotSilent) {
  service_.Lock(true);
  Worker worker = Connect();
  ASSERT_TRUE(worker.Hello("w"));
  // Until the server has read it, the worker is silent.
  ASSERT_TRUE(service_.WaitFor("locked w"));
  Pass(seconds(240));
  service_.Lock(false);
  EXPECT_TRUE(worker.Read().has_welcome());
  Pass(seconds(160));
  EXPECT_THAT(service_.calls(), ::testing::Not(::testing::Contains("disconnect 1")));
}

TEST_F(SilenceTest, ACoordinatorThatStoodStillWaitsAnew) {
  Worker worker = Connect();
  Greet(worker);
  Pass(seconds(100));
  clock_.Advance(std::chrono::hours(1));  // suspended, say
  Pass(seconds(160));
  EXPECT_THAT(service_.calls(), ::testing::Not(::testing::Contains("disconnect 1")));
}

}  // namespace
}  // namespace lorikeet::rpc
