#include "worker/agent/stream.h"

#include <unistd.h>

#include <utility>

#include "absl/time/time.h"
#include "common/rpc/token.h"

namespace lorikeet::agent {
namespace {

constexpr std::size_t kMostInbox = 256;
// What is queued waits in the worker's memory beside its spools.
constexpr std::size_t kBusyMessages = 64;
constexpr std::size_t kBusyBytes = 256U << 10;
// The session sends little that it does not bound itself; a stream that takes so much in is broken.
constexpr std::size_t kMostQueued = 8192;

}  // namespace

Connection::Stream::Stream(const std::shared_ptr<grpc::Channel>& channel, int wake)
    : wake_(wake), stub_(v1::WorkerService::NewStub(channel)) {}

std::unique_ptr<Connection::Stream> Connection::Stream::Open(const std::shared_ptr<grpc::Channel>& channel,
                                                             const std::string& token, int wake) {
  std::unique_ptr<Stream> stream(new Stream(channel, wake));
  rpc::Authorize(stream->context_, token);
  stream->stub_->async()->Session(&stream->context_, stream.get());
  stream->AddHold();
  stream->StartRead(&stream->reading_message_);
  stream->StartCall();
  return stream;
}

void Connection::Stream::Wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof(one));
}

void Connection::Stream::Send(const v1::WorkerMessage& message) {
  absl::MutexLock lock(&mutex_);
  if (!held_ || finish_writes_) return;
  if (queue_.size() >= kMostQueued) {
    context_.TryCancel();
    return;
  }
  queue_.Push(message);
  if (!writing_) WriteNextLocked();
}

void Connection::Stream::WriteNextLocked() {
  writing_message_ = queue_.Pop();
  writing_ = true;
  StartWrite(&writing_message_);
}

bool Connection::Stream::Busy() {
  absl::MutexLock lock(&mutex_);
  return BusyLocked();
}

bool Connection::Stream::BusyLocked() const {
  return queue_.size() > kBusyMessages || queue_.bytes() > kBusyBytes;
}

void Connection::Stream::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  writing_ = false;
  if (!ok || !held_) return;  // reading fails too, and says so
  if (!queue_.empty()) {
    const bool busy = BusyLocked();
    WriteNextLocked();
    if (busy && !BusyLocked()) Wake();  // more may be sent now
    return;
  }
  if (finish_writes_ && !std::exchange(writes_finished_, true)) StartWritesDone();
}

void Connection::Stream::FinishWrites() {
  absl::MutexLock lock(&mutex_);
  finish_writes_ = true;
  if (held_ && !writing_ && !std::exchange(writes_finished_, true)) StartWritesDone();
}

void Connection::Stream::OnReadDone(bool ok) {
  bool let_go = false;
  {
    absl::MutexLock lock(&mutex_);
    if (!ok) {
      let_go = std::exchange(held_, false);
    } else {
      inbox_.push_back(std::move(reading_message_));
      reading_message_.Clear();
      paused_ = inbox_.size() >= kMostInbox;
      if (!paused_) StartRead(&reading_message_);
    }
  }
  if (let_go) RemoveHold();
  Wake();
}

std::vector<v1::CoordinatorMessage> Connection::Stream::Take() {
  absl::MutexLock lock(&mutex_);
  std::vector<v1::CoordinatorMessage> taken = std::exchange(inbox_, {});
  if (std::exchange(paused_, false) && held_) StartRead(&reading_message_);
  return taken;
}

std::optional<grpc::Status> Connection::Stream::End() {
  absl::MutexLock lock(&mutex_);
  if (!inbox_.empty()) return std::nullopt;
  return end_;
}

void Connection::Stream::Cancel() { context_.TryCancel(); }

void Connection::Stream::OnDone(const grpc::Status& status) {
  // Once the lock is let go with the end known, the owner may destroy this object and the wake file.
  absl::MutexLock lock(&mutex_);
  end_ = status;
  Wake();
}

bool Connection::Stream::WaitForEnd(Duration timeout) {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(
      absl::Condition(
          +[](std::optional<grpc::Status>* end) { return end->has_value(); }, &end_),
      absl::FromChrono(timeout));
}

}  // namespace lorikeet::agent
