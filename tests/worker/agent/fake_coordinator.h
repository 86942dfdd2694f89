// A coordinator in this process, on a real port: keeps what workers report, and forgets nothing when it
// restarts.
#pragma once

#include <arpa/inet.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "lorikeet/v1/worker.grpc.pb.h"

namespace lorikeet::agent {

// Thread-safe.
class FakeCoordinator : public v1::WorkerService::Service {
 public:
  explicit FakeCoordinator(std::string token) : token_("Bearer " + std::move(token)) {
    Start();
    KeepPort();
  }
  ~FakeCoordinator() override {
    Stop();
    close(held_port_);
  }

  // Again on the port of the first time.
  void Start() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port_), grpc::InsecureServerCredentials(), &port);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 1);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    port_ = port;
  }
  void Stop() {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  bool Send(const v1::CoordinatorMessage& message) {
    absl::MutexLock lock(&mutex_);
    return stream_ != nullptr && stream_->Write(message);
  }

  // Whether it comes true within half a minute. `condition` runs under the lock.
  bool Eventually(const std::function<bool()>& condition) {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&condition), absl::Seconds(30));
  }

  // Guarded by the lock: read them in Eventually.
  std::vector<v1::Hello> hellos;
  std::map<std::string, std::vector<v1::Event>> committed;  // by attempt
  std::vector<std::string> closed;
  int repeats = 0, holes = 0, drainings = 0;
  bool welcomed = false;
  std::function<void()> on_hello;           // set while no worker is there
  std::atomic<bool> ends_sessions = false;  // each, after the next message of the worker

 private:
  using Stream = grpc::ServerReaderWriter<v1::CoordinatorMessage, v1::WorkerMessage>;

  grpc::Status Session(grpc::ServerContext* context, Stream* stream) override {
    const auto& metadata = context->client_metadata();
    const auto token = metadata.find("authorization");
    if (token == metadata.end() || std::string(token->second.data(), token->second.size()) != token_) {
      return {grpc::StatusCode::UNAUTHENTICATED, "the token is not this coordinator's"};
    }
    v1::WorkerMessage message;
    if (!stream->Read(&message)) return grpc::Status::OK;
    Welcome(message.hello(), stream);
    while (!ends_sessions && stream->Read(&message)) Handle(message, stream);
    absl::MutexLock lock(&mutex_);
    if (stream_ == stream) {
      stream_ = nullptr;
      welcomed = false;
    }
    if (ends_sessions) return {grpc::StatusCode::INVALID_ARGUMENT, "a batch that it does not like"};
    return grpc::Status::OK;
  }

  void Welcome(const v1::Hello& hello, Stream* stream) {
    absl::MutexLock lock(&mutex_);
    if (on_hello) on_hello();
    hellos.push_back(hello);
    v1::CoordinatorMessage answer;
    v1::Welcome& welcome = *answer.mutable_welcome();
    welcome.set_session(static_cast<std::int64_t>(hellos.size()));
    welcome.set_lease_milliseconds(60'000);
    welcome.set_renew_milliseconds(200);
    for (const v1::Held& held : hello.held()) {
      welcome.add_keep(held.attempt_id());
      welcome.add_committed(static_cast<std::int64_t>(committed[held.attempt_id()].size()));
    }
    stream->Write(answer);
    stream_ = stream;
    welcomed = true;
  }

  void Handle(const v1::WorkerMessage& message, Stream* stream) {
    absl::MutexLock lock(&mutex_);
    v1::CoordinatorMessage answer;
    if (message.has_events()) {
      std::vector<v1::Event>& events = committed[message.events().attempt_id()];
      for (const v1::Event& event : message.events().events()) {
        const auto next = static_cast<std::int64_t>(events.size()) + 1;
        if (event.sequence() == next) events.push_back(event);
        repeats += event.sequence() < next ? 1 : 0;
        holes += event.sequence() > next ? 1 : 0;
      }
      answer.mutable_ack()->set_attempt_id(message.events().attempt_id());
      answer.mutable_ack()->set_sequence(static_cast<std::int64_t>(events.size()));
    } else if (message.has_renew()) {
      answer.mutable_renewed()->set_nonce(message.renew().nonce());
      for (const v1::Lease& lease : message.renew().leases())
        answer.mutable_renewed()->add_attempt_ids(lease.attempt_id());
    } else if (message.has_closed()) {
      closed.push_back(message.closed().attempt_id());
    } else if (message.has_draining()) {
      ++drainings;
    }
    if (answer.message_case() != v1::CoordinatorMessage::MESSAGE_NOT_SET) stream->Write(answer);
  }

  // So that nobody else gets it while the server is stopped. It does not listen: who connects is refused.
  void KeepPort() {
    held_port_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(setsockopt(held_port_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
    EXPECT_EQ(bind(held_port_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }

  const std::string token_;
  int port_ = 0;
  int held_port_ = -1;
  std::unique_ptr<grpc::Server> server_;
  absl::Mutex mutex_;
  Stream* stream_ = nullptr;
};

}  // namespace lorikeet::agent
