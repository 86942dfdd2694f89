#include "coordinator/web/api/changes.h"

#include <utility>

namespace lorikeet::web {

Changes::Changes(Look look) : look_(std::move(look)), thread_([this] { Run(); }) {}

bool Changes::Enter() {
  absl::MutexLock lock(&mutex_);
  if (closed_ || listeners_ >= kMostListeners) return false;
  ++listeners_;
  return true;
}

void Changes::Leave() {
  absl::MutexLock lock(&mutex_);
  --listeners_;
}

bool Changes::closed() const {
  absl::MutexLock lock(&mutex_);
  return closed_;
}

void Changes::Close() {
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Changes::Run() {
  const auto wanted = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return closed_ || listeners_ > 0; };
  const auto closed = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return closed_; };
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&wanted));
      if (closed_) return;
    }
    const StatusOr<Marks> marks = look_();
    absl::MutexLock lock(&mutex_);
    Take(marks);
    mutex_.AwaitWithTimeout(absl::Condition(&closed), absl::FromChrono(kLookEvery));
    if (closed_) return;
  }
}

void Changes::Take(const StatusOr<Marks>& marks) {
  const std::int64_t next = version_ + 1;
  bool changed = unwell_ == marks.ok() || version_ == 0;
  unwell_ = !marks.ok();
  if (marks.ok()) {
    for (const auto& [id, mark] : marks->sweeps) {
      Seen& seen = sweeps_[id];
      const bool is_new = seen.rows_at == 0;
      if (is_new || seen.mark.rows != mark.rows) seen.rows_at = next;
      if (is_new || seen.mark.progress != mark.progress) seen.progress_at = next;
      changed = changed || seen.rows_at == next || seen.progress_at == next;
      seen.mark = mark;
    }
    if (workers_at_ == 0 || workers_ != marks->workers) workers_at_ = next;
    changed = changed || workers_at_ == next;
    workers_ = marks->workers;
  }
  if (changed) version_ = next;
}

std::optional<Changes::News> Changes::Next(std::int64_t version, std::chrono::milliseconds within) {
  absl::MutexLock lock(&mutex_);
  const auto wanted = [this, version]()
                          ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return closed_ || version_ > version; };
  mutex_.AwaitWithTimeout(absl::Condition(&wanted), absl::FromChrono(within));
  if (closed_ || version_ <= version) return std::nullopt;
  News news{.version = version_, .sweeps = {}, .workers = workers_at_ > version, .unwell = unwell_};
  for (const auto& [id, seen] : sweeps_) {
    if (seen.rows_at > version || seen.progress_at > version) news.sweeps[id] = seen.rows_at > version;
  }
  return news;
}

}  // namespace lorikeet::web
