#include "worker/agent/fingerprint_thread.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <system_error>

namespace lorikeet::agent {

StatusOr<std::unique_ptr<FingerprintThread>> FingerprintThread::Create(files::FolderCache cache) {
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) return Internal("eventfd: {}", std::strerror(errno));
  std::unique_ptr<FingerprintThread> made(new FingerprintThread(std::move(cache), wake));
  try {
    made->thread_ = std::thread([self = made.get()] { self->Loop(); });
  } catch (const std::system_error& error) {
    return Internal("cannot start a thread: {}", error.what());
  }
  return made;
}

FingerprintThread::~FingerprintThread() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
  close(wake_);
}

void FingerprintThread::Ask(const std::string& attempt_id, const Trial& trial) {
  absl::MutexLock lock(&mutex_);
  asked_.emplace_back(attempt_id, trial);
}

std::vector<FingerprintThread::Answer> FingerprintThread::Take() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(wake_, &count, sizeof(count));
  absl::MutexLock lock(&mutex_);
  return std::exchange(answers_, {});
}

void FingerprintThread::Loop() {
  for (;;) {
    std::pair<std::string, Trial> next;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &FingerprintThread::HasWork));
      if (stopping_) return;
      next = std::move(asked_.front());
      asked_.pop_front();
    }
    StatusOr<std::vector<FileFingerprint>> found = std::vector<FileFingerprint>();
    try {
      found = FingerprintTrial(next.second, cache_, [this] { return stopping_.load(); });
    } catch (const std::exception& error) {  // of OpenSSL, or for want of memory
      found = std::vector<FileFingerprint>{{"model", "", error.what()}};
    }
    if (!found.ok()) return;  // it stops
    {
      absl::MutexLock lock(&mutex_);
      answers_.push_back({std::move(next.first), *std::move(found)});
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof(one));
  }
}

}  // namespace lorikeet::agent
