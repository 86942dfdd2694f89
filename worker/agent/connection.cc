#include "worker/agent/connection.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/logging.h"
#include "common/rpc/status_codes.h"
#include "worker/agent/stream.h"

namespace lorikeet::agent {
namespace {

constexpr std::chrono::seconds kCancelTimeout{10};
// While the coordinator cannot be reached, the channel is asked this often whether it got through.
constexpr std::chrono::milliseconds kReadyPoll{100};
constexpr std::chrono::seconds kRepeatError{60};

// Answers that will be the same the next time.
bool IsRefusal(const Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kFailedPrecondition:
      return true;
    default:
      return false;
  }
}

}  // namespace

StatusOr<std::unique_ptr<Connection>> Connection::Create(ConnectionOptions options, Clock& clock,
                                                         RandomSource& random) {
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) return Internal("eventfd: {}", std::strerror(errno));
  return std::unique_ptr<Connection>(new Connection(std::move(options), wake, clock, random));
}

Connection::Connection(ConnectionOptions options, int wake, Clock& clock, RandomSource& random)
    : options_(std::move(options)), wake_(wake), clock_(clock), random_(random), open_at_(clock.Steady()) {}

Connection::~Connection() {
  Close(Duration::zero());
  close(wake_);
}

void Connection::Close(Duration timeout) {
  if (stream_ == nullptr) return;
  stream_->FinishWrites();
  if (!stream_->WaitForEnd(timeout)) {
    stream_->Cancel();
    stream_->Take();  // a paused read would hold the stream
    if (!stream_->WaitForEnd(kCancelTimeout)) {
      LogError({}, "gRPC does not let go of the stream to {}", options_.address);
      (void)stream_.release();  // NOLINT(bugprone-unused-return-value): gRPC still uses it; the process is
                                // about to end
      return;
    }
  }
  stream_.reset();
}

void Connection::Send(const v1::WorkerMessage& message) {
  if (stream_ != nullptr) stream_->Send(message);
}

bool Connection::Busy() const { return stream_ == nullptr || stream_->Busy(); }

void Connection::Reset(const std::string& reason) {
  LogWarning({}, "the stream to {} is opened again: {}", options_.address, reason);
  if (stream_ != nullptr) stream_->Cancel();
}

SteadyTime Connection::NextStep() const {
  const SteadyTime now = clock_.Steady();
  if (stream_ != nullptr || refused_) return now + std::chrono::hours(1);
  return unreachable_ ? std::min(open_at_, now + kReadyPoll) : open_at_;
}

void Connection::Step(Session& session) {
  std::uint64_t rung = 0;
  [[maybe_unused]] const ssize_t got = read(wake_, &rung, sizeof(rung));
  if (refused_) return;
  if (stream_ != nullptr) {
    for (const v1::CoordinatorMessage& message : stream_->Take()) {
      if (!std::exchange(heard_, true)) heard_at_ = clock_.Steady();
      last_error_.clear();
      session.OnMessage(message);
    }
    if (const std::optional<grpc::Status> end = stream_->End()) {
      stream_.reset();
      HandleEnd(session, rpc::FromGrpc(*end, "coordinator " + options_.address));
    }
    return;
  }
  // Once the channel got through there is nothing to wait for; its own tries are spread in time too.
  const bool through =
      unreachable_ && options_.channel->GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY;
  if (through || clock_.Steady() >= open_at_) Open(session);
}

void Connection::Open(Session& session) {
  heard_ = false;
  const StatusOr<std::string> token = options_.token();
  if (!token.ok()) return HandleEnd(session, token.status());
  stream_ = Stream::Open(options_.channel, *token, wake_);
  session.OnConnected();
}

void Connection::HandleEnd(Session& session, const Status& status) {
  const std::string reason =
      status.ok() ? "coordinator " + options_.address + " ended the stream" : Message(status);
  session.OnDisconnected(reason);
  if (!heard_ && IsRefusal(status)) {
    refused_ = status;
    return;
  }
  unreachable_ = options_.channel->GetState(false) != GRPC_CHANNEL_READY;
  const SteadyTime now = clock_.Steady();
  if (heard_ && now - heard_at_ >= options_.settled_after) failures_ = 0;
  if (!heard_ && (reason != last_error_ || now - error_told_ > kRepeatError)) {
    LogWarning({}, "no session: {}; trying on", reason);
    last_error_ = reason;
    error_told_ = now;
  }
  WaitBeforeOpening();
}

void Connection::WaitBeforeOpening() {
  Duration wait = options_.first_wait;
  for (int i = 0; i < failures_ && wait < options_.longest_wait; ++i) wait *= 2;
  wait = std::min(wait, options_.longest_wait);
  ++failures_;
  // Between half and all of it, so that a fleet does not come back in one moment.
  constexpr std::int64_t kParts = 1024;
  const auto part = static_cast<std::int64_t>(random_.Next() % kParts);
  open_at_ = clock_.Steady() + wait / 2 + wait / 2 * part / kParts;
}

}  // namespace lorikeet::agent
