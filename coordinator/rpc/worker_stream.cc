#include "coordinator/rpc/worker_stream.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "common/rpc/status_codes.h"
#include "coordinator/rpc/convert.h"

namespace lorikeet::rpc {

WorkerStream::WorkerStream(WorkerReactor* reactor, grpc::CallbackServerContext* context, std::string build,
                           const Clock& clock, service::Observer* observer)
    : build_(std::move(build)), clock_(clock), observer_(observer), reactor_(reactor), context_(context) {
  if (observer_ != nullptr) observer_->StreamOpened();
}

void WorkerStream::Send(service::ToWorker message) {
  absl::MutexLock lock(&mutex_);
  QueueLocked(message);
  if (!writing_ && !queue_.empty()) WriteNextLocked();
}

void WorkerStream::SendAll(std::vector<service::ToWorker> messages) {
  absl::MutexLock lock(&mutex_);
  for (const service::ToWorker& message : messages) QueueLocked(message);
  if (!writing_ && !queue_.empty()) WriteNextLocked();
}

void WorkerStream::QueueLocked(const service::ToWorker& message) {
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
}

void WorkerStream::Written(bool ok) {
  absl::MutexLock lock(&mutex_);
  writing_ = false;
  written_ = true;
  if (finished_ || !ok) return;  // not ok: the stream is broken, and the pending read ends it
  if (!queue_.empty()) {
    WriteNextLocked();
  } else if (closing_) {
    FinishLocked(grpc::Status::OK);
  }
}

void WorkerStream::Close(const Status& reason) { Finish(ToGrpc(reason)); }

void WorkerStream::Read(v1::WorkerMessage* message) {
  absl::MutexLock lock(&mutex_);
  wanted_ = message;
  ReadLocked();
}

void WorkerStream::Asked() {
  absl::MutexLock lock(&mutex_);
  listening_since_.reset();
  greeted_ = true;
  ++unanswered_;
}

void WorkerStream::Answered(const Status& status) {
  absl::MutexLock lock(&mutex_);
  --unanswered_;
  if (listening_since_) listening_since_ = clock_.Steady();  // until now it may have waited for us
  if (!status.ok()) FinishLocked(ToGrpc(status));
  ReadLocked();
}

void WorkerStream::ReadLocked() {
  if (reactor_ == nullptr || finished_ || wanted_ == nullptr || unanswered_ >= kMostUnanswered) return;
  listening_since_ = clock_.Steady();
  reactor_->StartRead(std::exchange(wanted_, nullptr));
}

void WorkerStream::EndIfSilent(SteadyTime now, SteadyTime awake, const SilenceLimits& limits) {
  absl::MutexLock lock(&mutex_);
  if (finished_ || reactor_ == nullptr || !listening_since_ || unanswered_ > 0) return;
  const Duration limit = greeted_ ? limits.word : limits.hello;
  if (now - std::max(*listening_since_, awake) <= limit) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit).count();
  // Of the codes that do not make a worker give up, the one whose message reaches its log as it is.
  FinishLocked(grpc::Status(
      grpc::StatusCode::CANCELLED,
      greeted_ ? fmt::format("the worker has said nothing for {} s; renewals come far more often", seconds)
               : fmt::format("no Hello came within {} s", seconds)));
  if (writing_) context_->TryCancel();  // it does not read either: the status would never be written
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
  // What another message follows at once need not go out by itself. Not the first: it leaves with the call's
  // metadata, whose writing the hint does not start, so that gRPC would never say that it is done.
  grpc::WriteOptions options;
  if (!queue_.empty() && written_) options.set_buffer_hint();
  reactor_->StartWrite(&current_, options);
}

void WorkerStream::FinishLocked(const grpc::Status& status) {
  if (finished_ || reactor_ == nullptr) return;
  finished_ = true;
  if (observer_ != nullptr) observer_->StreamEnded(CodeName(status.error_code()));
  queue_.clear();
  reactor_->Finish(status);
}

}  // namespace lorikeet::rpc
