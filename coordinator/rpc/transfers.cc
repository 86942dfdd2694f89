#include "coordinator/rpc/transfers.h"

namespace lorikeet::rpc {

Status TooManyTransfers(const char* what) {
  return MakeStatus(absl::StatusCode::kResourceExhausted,
                    "the coordinator has too many {} at a time; try again later", what);
}

bool Transfers::Add(grpc::CallbackServerContext* context) {
  absl::MutexLock lock(&mutex_);
  if (moved_.size() >= static_cast<std::size_t>(most_)) return false;
  moved_[context] = clock_.Steady();
  return true;
}

void Transfers::Remove(grpc::CallbackServerContext* context) {
  absl::MutexLock lock(&mutex_);
  moved_.erase(context);
}

void Transfers::Moved(grpc::CallbackServerContext* context) {
  absl::MutexLock lock(&mutex_);
  if (const auto found = moved_.find(context); found != moved_.end()) found->second = clock_.Steady();
}

// A transfer's reaction to its end comes from gRPC's threads, never inside TryCancel: the lock may be held.
void Transfers::Look() {
  absl::MutexLock lock(&mutex_);
  const SteadyTime now = clock_.Steady();
  for (const auto& [context, moved] : moved_) {
    if (now - moved > silent_) context->TryCancel();
  }
}

}  // namespace lorikeet::rpc
