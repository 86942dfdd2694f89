#include "worker/agent/fingerprint_thread.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <deque>
#include <system_error>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace lorikeet::agent {

struct FingerprintThread::Shared {
  Shared(Compute compute_it, int wake_file) : compute(std::move(compute_it)), wake(wake_file) {}
  ~Shared() { close(wake); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return stopping || !asked.empty(); }

  const Compute compute;
  const int wake;  // eventfd
  std::atomic<bool> stopping{false};
  absl::Mutex mutex;
  bool ended ABSL_GUARDED_BY(mutex) = false;
  std::deque<std::pair<std::string, Trial>> asked ABSL_GUARDED_BY(mutex);
  std::vector<Answer> answers ABSL_GUARDED_BY(mutex);
};

FingerprintThread::FingerprintThread(std::shared_ptr<Shared> shared, Duration patience)
    : shared_(std::move(shared)), patience_(patience) {}

StatusOr<std::unique_ptr<FingerprintThread>> FingerprintThread::Create(Compute compute, Duration patience) {
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) return Internal("eventfd: {}", std::strerror(errno));
  auto shared = std::make_shared<Shared>(std::move(compute), wake);
  std::unique_ptr<FingerprintThread> made(new FingerprintThread(shared, patience));
  try {
    made->thread_ = std::thread([shared] { Loop(*shared); });
  } catch (const std::system_error& error) {
    return Internal("cannot start a thread: {}", error.what());
  }
  return made;
}

StatusOr<std::unique_ptr<FingerprintThread>> FingerprintThread::Create(files::FolderCache cache) {
  return Create([cache = std::move(cache)](const Trial& trial, const files::Stop& stop) {
    return FingerprintTrial(trial, cache, stop);
  });
}

FingerprintThread::~FingerprintThread() {
  if (!thread_.joinable()) return;
  bool ended = false;
  {
    absl::MutexLock lock(&shared_->mutex);
    shared_->stopping = true;
    ended = shared_->mutex.AwaitWithTimeout(absl::Condition(&shared_->ended), absl::FromChrono(patience_));
  }
  ended ? thread_.join() : thread_.detach();
}

int FingerprintThread::wake_file() const { return shared_->wake; }

void FingerprintThread::Ask(const std::string& attempt_id, const Trial& trial) {
  absl::MutexLock lock(&shared_->mutex);
  shared_->asked.emplace_back(attempt_id, trial);
}

std::vector<FingerprintThread::Answer> FingerprintThread::Take() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(shared_->wake, &count, sizeof(count));
  absl::MutexLock lock(&shared_->mutex);
  return std::exchange(shared_->answers, {});
}

void FingerprintThread::Loop(Shared& shared) {
  for (;;) {
    std::pair<std::string, Trial> next;
    {
      absl::MutexLock lock(&shared.mutex);
      shared.mutex.Await(absl::Condition(&shared, &Shared::HasWork));
      shared.ended = shared.stopping;
      if (shared.ended) return;
      next = std::move(shared.asked.front());
      shared.asked.pop_front();
    }
    StatusOr<std::vector<FileFingerprint>> found = Internal("it was not read");
    try {
      found = shared.compute(next.second, [&shared] { return shared.stopping.load(); });
    } catch (const std::exception& error) {  // of OpenSSL, or for want of memory
      found = Internal("{}", error.what());
    }
    if (shared.stopping) continue;  // nobody takes it
    {
      absl::MutexLock lock(&shared.mutex);
      shared.answers.push_back({std::move(next.first), std::move(found)});
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(shared.wake, &one, sizeof(one));
  }
}

}  // namespace lorikeet::agent
