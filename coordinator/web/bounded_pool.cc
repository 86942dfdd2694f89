#include "coordinator/web/bounded_pool.h"

#include <utility>

namespace lorikeet::web {

BoundedPool::BoundedPool(std::size_t threads, std::size_t most_waiting) : most_waiting_(most_waiting) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

void BoundedPool::Add(std::function<void()> work) {
  const auto room = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return ending_ || waiting_.size() < most_waiting_;
  };
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&room));
  waiting_.push_back(std::move(work));
}

void BoundedPool::Shutdown() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

void BoundedPool::Run() {
  const auto wanted = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ending_ || !waiting_.empty(); };
  for (;;) {
    std::function<void()> work;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&wanted));
      if (waiting_.empty()) return;
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    work();
  }
}

}  // namespace lorikeet::web
