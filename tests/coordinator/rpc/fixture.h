// A server on a free loopback port over a FakeService, and channels to it.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/clock.h"
#include "common/rpc/channel.h"
#include "common/rpc/token.h"
#include "coordinator/rpc/access.h"
#include "coordinator/rpc/server.h"
#include "fake_service.h"

namespace lorikeet::rpc {

// Stands still until told otherwise; its steps may be taken while a server looks at it.
class SharedClock : public Clock {
 public:
  SteadyTime Steady() const override {
    absl::MutexLock lock(&mutex_);
    return clock_.Steady();
  }
  WallTime Wall() const override {
    absl::MutexLock lock(&mutex_);
    return clock_.Wall();
  }
  void Advance(Duration by) {
    absl::MutexLock lock(&mutex_);
    clock_.Advance(by);
  }
  void JumpWall(std::chrono::microseconds by) {
    absl::MutexLock lock(&mutex_);
    clock_.JumpWall(by);
  }

 private:
  mutable absl::Mutex mutex_;
  FakeClock clock_ ABSL_GUARDED_BY(mutex_);
};

// Looks until it is so; false after a time that even a loaded machine does not need.
inline bool Eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    absl::SleepFor(absl::Milliseconds(10));
  }
  return true;
}

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server = Server::Start(Options(), service_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = *OpenChannel(server_->address(), {});
  }

  ServerOptions Options() {
    return {.listen = "127.0.0.1:0",
            .tls = {},
            .access = access_.get(),
            .database_path = "/nowhere/results.db",
            .build = "test build",
            .lease = std::chrono::seconds(60),
            .clock = &clock_,
            .on_fatal = [this](const Status& status) {
              absl::MutexLock lock(&mutex_);
              fatal_.Update(status);
            }};
  }
  Status fatal() {
    absl::MutexLock lock(&mutex_);
    return fatal_;
  }
  // Waits for it: a client may hear of the failure before the process does.
  Status WaitForFatal() {
    absl::MutexLock lock(&mutex_);
    const auto failed = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !fatal_.ok(); };
    mutex_.AwaitWithTimeout(absl::Condition(&failed), absl::Seconds(60));
    return fatal_;
  }
  // A context that carries the token and ends within a time that a test can wait.
  static std::unique_ptr<grpc::ClientContext> Context(const std::string& token = "secret") {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    if (!token.empty()) Authorize(*context, token);
    return context;
  }

  SharedClock clock_;
  std::unique_ptr<Access> access_ = *Access::Create("secret", "");
  absl::Mutex mutex_;
  Status fatal_ ABSL_GUARDED_BY(mutex_);
  FakeService service_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace lorikeet::rpc
