// A worker's end of a stream, for tests.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "lorikeet/v1/worker.grpc.pb.h"

namespace lorikeet::rpc {

// Synchronous.
class Worker {
 public:
  Worker(const std::shared_ptr<grpc::Channel>& channel, std::unique_ptr<grpc::ClientContext> context)
      : context_(std::move(context)),
        stub_(v1::WorkerService::NewStub(channel)),
        stream_(stub_->Session(context_.get())) {}

  bool Write(const v1::WorkerMessage& message) { return stream_->Write(message); }
  bool Hello(const std::string& id, std::int64_t version = 1) {
    v1::WorkerMessage message;
    message.mutable_hello()->set_worker_id(id);
    message.mutable_hello()->set_protocol_version(version);
    return Write(message);
  }
  v1::CoordinatorMessage Read() {
    v1::CoordinatorMessage message;
    if (!stream_->Read(&message)) {
      const grpc::Status end = stream_->Finish();
      ADD_FAILURE() << "the stream has ended with " << end.error_code() << ": " << end.error_message();
    }
    return message;
  }
  // Reads to the end; the stream's status.
  grpc::Status End() {
    v1::CoordinatorMessage message;
    while (stream_->Read(&message)) last_ = message;
    return stream_->Finish();
  }
  const v1::CoordinatorMessage& last() const { return last_; }
  void CloseWriting() { stream_->WritesDone(); }
  void Cancel() { context_->TryCancel(); }

 private:
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<v1::WorkerService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::WorkerMessage, v1::CoordinatorMessage>> stream_;
  v1::CoordinatorMessage last_;
};

}  // namespace lorikeet::rpc
