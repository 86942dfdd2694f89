#include "coordinator/rpc/open_streams.h"

#include <utility>
#include <vector>

#include "common/rpc/status_codes.h"

namespace lorikeet::rpc {
namespace {

constexpr Duration kLookEvery = std::chrono::seconds(1);
constexpr Duration kStoodStill = std::chrono::seconds(5);

}  // namespace

bool OpenStreams::Add(const std::shared_ptr<WorkerStream>& stream, const TokenHash& token) {
  Status ended;
  {
    absl::MutexLock lock(&mutex_);
    if (ended_.ok()) streams_.emplace(stream, token);
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
  std::unordered_map<std::shared_ptr<WorkerStream>, TokenHash> streams;
  {
    absl::MutexLock lock(&mutex_);
    ended_ = reason;
    streams.swap(streams_);
  }
  for (const auto& [stream, token] : streams) stream->Finish(ToGrpc(reason));
}

// A stream's reactions to its end come from gRPC's threads, never inside Finish: the lock may be held.
void OpenStreams::EndWithdrawnLocked() {
  const std::int64_t version = access_.version();
  if (version == std::exchange(access_seen_, version)) return;
  for (const auto& [stream, token] : streams_) {
    if (!access_.Allows(token, Role::kWorker)) {
      stream->Finish(ToGrpc(absl::UnauthenticatedError("the token of this session has been withdrawn")));
    }
  }
}

void OpenStreams::Look(SteadyTime now) {
  std::vector<std::shared_ptr<WorkerStream>> streams;
  SteadyTime awake;
  {
    absl::MutexLock lock(&mutex_);
    if (looked_ && now - *looked_ < kLookEvery) return;
    if (!looked_ || now - *looked_ > kStoodStill) awake_ = now;
    looked_ = now;
    awake = awake_;
    EndWithdrawnLocked();
    streams.reserve(streams_.size());
    for (const auto& [stream, token] : streams_) streams.push_back(stream);
  }
  for (const auto& stream : streams) stream->EndIfSilent(now, awake, limits_);
}

}  // namespace lorikeet::rpc
