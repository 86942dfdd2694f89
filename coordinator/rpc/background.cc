#include "coordinator/rpc/background.h"

#include <malloc.h>

#include <utility>

namespace lorikeet::rpc {
namespace {

constexpr absl::Duration kQuiet = absl::Seconds(1);

}  // namespace

Background::Background() : thread_([this] { Run(); }) {}

Background::~Background() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
  }
  thread_.join();
}

bool Background::Post(std::function<void()> work) {
  absl::MutexLock lock(&mutex_);
  if (waiting_.size() >= kMostWaiting) return false;
  waiting_.push_back(std::move(work));
  return true;
}

void Background::Run() {
  bool worked = false;
  for (;;) {
    std::function<void()> work;
    {
      absl::MutexLock lock(&mutex_);
      const auto wanted = [this]()
                              ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ending_ || !waiting_.empty(); };
      if (mutex_.AwaitWithTimeout(absl::Condition(&wanted), worked ? kQuiet : absl::InfiniteDuration())) {
        if (waiting_.empty()) return;
        work = std::move(waiting_.front());
        waiting_.pop_front();
      }
    }
    worked = work != nullptr;
    if (worked) {
      work();
    } else {
      // glibc keeps what a large sweep file or table took, for a next one that may never come.
      malloc_trim(0);
    }
  }
}

}  // namespace lorikeet::rpc
