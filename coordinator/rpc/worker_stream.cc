#include "coordinator/rpc/worker_stream.h"

#include <utility>
#include <variant>

#include "common/rpc/status_codes.h"
#include "coordinator/rpc/convert.h"

namespace lorikeet::rpc {

WorkerStream::WorkerStream(WorkerReactor* reactor, grpc::CallbackServerContext* context, std::string build)
    : build_(std::move(build)), reactor_(reactor), context_(context) {}

void WorkerStream::Send(service::ToWorker message) {
  absl::MutexLock lock(&mutex_);
  if (reactor_ == nullptr || finished_ || closing_) return;
  if (queue_.size() >= kMostQueued) {
    // A status would queue behind the messages that the worker does not read: cut the connection's stream
    // instead.
    FinishLocked(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "the worker does not read its stream"));
    context_->TryCancel();
    return;
  }
  closing_ = std::holds_alternative<service::Replaced>(message);
  queue_.push_back(ToWire(message, build_));
  if (!writing_) WriteNextLocked();
}

void WorkerStream::Written(bool ok) {
  absl::MutexLock lock(&mutex_);
  writing_ = false;
  if (finished_ || !ok) return;  // not ok: the stream is broken, and the pending read ends it
  if (!queue_.empty()) {
    WriteNextLocked();
  } else if (closing_) {
    FinishLocked(grpc::Status::OK);
  }
}

void WorkerStream::Read(v1::WorkerMessage* message) {
  absl::MutexLock lock(&mutex_);
  if (reactor_ != nullptr && !finished_) reactor_->StartRead(message);
}

void WorkerStream::Finish(const grpc::Status& status) {
  absl::MutexLock lock(&mutex_);
  FinishLocked(status);
}

void WorkerStream::Detach() {
  absl::MutexLock lock(&mutex_);
  reactor_ = nullptr;
  context_ = nullptr;
}

void WorkerStream::WriteNextLocked() {
  current_ = std::move(queue_.front());
  queue_.pop_front();
  writing_ = true;
  reactor_->StartWrite(&current_);
}

void WorkerStream::FinishLocked(const grpc::Status& status) {
  if (finished_ || reactor_ == nullptr) return;
  finished_ = true;
  queue_.clear();
  reactor_->Finish(status);
}

bool OpenStreams::Add(const std::shared_ptr<WorkerStream>& stream) {
  Status ended;
  {
    absl::MutexLock lock(&mutex_);
    if (ended_.ok()) streams_.insert(stream);
    ended = ended_;
  }
  if (!ended.ok()) stream->Finish(ToGrpc(ended));
  return ended.ok();
}

void OpenStreams::Remove(const std::shared_ptr<WorkerStream>& stream) {
  absl::MutexLock lock(&mutex_);
  streams_.erase(stream);
}

void OpenStreams::End(const Status& reason) {
  std::unordered_set<std::shared_ptr<WorkerStream>> streams;
  {
    absl::MutexLock lock(&mutex_);
    ended_ = reason;
    streams.swap(streams_);
  }
  for (const auto& stream : streams) stream->Finish(ToGrpc(reason));
}

}  // namespace lorikeet::rpc
