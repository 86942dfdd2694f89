#include "worker/agent/carrier.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/logging.h"

namespace lorikeet::agent {
namespace {

// The same again another time. The calls say Unavailable of whatever is not the coordinator's own word.
bool IsRefusal(const Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return true;
    default:
      return false;
  }
}

Status NotWanted() { return absl::CancelledError("nobody waits for it"); }

}  // namespace

StatusOr<std::unique_ptr<Carrier>> Carrier::Create(CarrierOptions options, Clock& clock) {
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) return Internal("eventfd: {}", std::strerror(errno));
  return std::unique_ptr<Carrier>(new Carrier(std::move(options), wake, clock));
}

Carrier::Carrier(CarrierOptions options, int wake, Clock& clock)
    : options_(std::move(options)),
      wake_(wake),
      clock_(clock),
      sender_([this] { RunSender(); }),
      fetcher_([this] { RunFetcher(); }) {}

Carrier::~Carrier() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
    for (grpc::ClientContext* call : calls_) call->TryCancel();
  }
  sender_.join();
  fetcher_.join();
  close(wake_);
}

void Carrier::SendCheckpoint(const ArtifactOf& checkpoint) {
  absl::MutexLock lock(&mutex_);
  if (refused_.contains(checkpoint.attempt_id)) return;
  Item& item = items_[{Kind::kCheckpoint, checkpoint.attempt_id}];
  item.of = checkpoint;
  item.newer = true;
}

void Carrier::Forget(const std::string& attempt_id) {
  absl::MutexLock lock(&mutex_);
  items_.erase({Kind::kCheckpoint, attempt_id});
  refused_.erase(attempt_id);
  if (fetching_ == attempt_id) {
    fetching_.clear();
    if (fetch_call_ != nullptr) fetch_call_->TryCancel();
  }
  const auto waits = [&](const Wanted& wanted) { return wanted.of.attempt_id == attempt_id; };
  if (std::erase_if(fetches_, waits) > 0)
    TellLocked({.adapter = false, .attempt_id = attempt_id, .status = NotWanted()});
}

void Carrier::SendAdapter(const ArtifactOf& adapter) {
  absl::MutexLock lock(&mutex_);
  Item& item = items_[{Kind::kAdapter, adapter.attempt_id}];
  item.of = adapter;
  item.newer = true;
}

void Carrier::FetchCheckpoint(const ArtifactOf& attempt) {
  absl::MutexLock lock(&mutex_);
  fetches_.push_back({attempt, clock_.Steady() + options_.fetch_patience});
}

void Carrier::Step(ArtifactListener& listener) {
  std::uint64_t rung = 0;
  [[maybe_unused]] const ssize_t got = read(wake_, &rung, sizeof(rung));
  std::vector<Told> told;
  {
    absl::MutexLock lock(&mutex_);
    told.swap(told_);
  }
  for (const Told& one : told) {
    if (one.adapter) {
      listener.OnAdapterSent(one.attempt_id, one.status);
    } else {
      listener.OnCheckpointFetched(one.attempt_id, one.status);
    }
  }
}

void Carrier::TellLocked(Told told) {
  told_.push_back(std::move(told));
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof(one));
}

Duration Carrier::WaitAfter(int failures) const {
  Duration wait = options_.first_wait;
  for (int i = 1; i < failures && wait < options_.longest_wait; ++i) wait *= 2;
  return std::min(wait, options_.longest_wait);
}

bool Carrier::Sleep(Duration time) {
  absl::MutexLock lock(&mutex_);
  return !mutex_.AwaitWithTimeout(absl::Condition(&ending_), absl::FromChrono(time));
}

bool Carrier::SleepBeforeFetch(Duration time) {
  absl::MutexLock lock(&mutex_);
  const auto over = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ending_ || fetching_.empty(); };
  return !mutex_.AwaitWithTimeout(absl::Condition(&over), absl::FromChrono(time));
}

bool Carrier::WaitForItem(Key& key, Item& item) {
  // A clock that tests hold is looked at so often.
  static constexpr absl::Duration kLookEvery = absl::Milliseconds(250);
  absl::MutexLock lock(&mutex_);
  for (;;) {
    auto due = items_.end();
    const auto look = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      due = items_.end();
      for (auto entry = items_.begin(); entry != items_.end(); ++entry) {
        const bool waits = entry->second.newer && entry->second.at <= clock_.Steady();
        if (waits && (due == items_.end() || entry->second.at < due->second.at)) due = entry;
      }
      return ending_ || due != items_.end();
    };
    if (!mutex_.AwaitWithTimeout(absl::Condition(&look), kLookEvery)) continue;
    if (ending_) return false;
    due->second.newer = false;
    key = due->first;
    item = due->second;
    return true;
  }
}

void Carrier::RunSender() {
  Key key;
  Item item;
  while (WaitForItem(key, item)) {
    const Status status = Send(key.first, item.of);
    // Those of what is tried again are used again; but not where they may be what is wrong.
    if (status.ok() || IsRefusal(status) || absl::IsDataLoss(status)) hashes_.Forget(item.of.trial_folder);
    absl::MutexLock lock(&mutex_);
    if (!ending_) SentLocked(key, status);
  }
}

void Carrier::SentLocked(const Key& key, const Status& status) {
  const auto found = items_.find(key);
  if (found == items_.end()) return;  // forgotten meanwhile
  Item& item = found->second;
  const bool adapter = key.first == Kind::kAdapter;
  const char* const what = adapter ? "adapter" : "checkpoint";
  if (status.ok()) {
    LogDebug(FieldsOf(item.of), "its {} is the coordinator's", what);
    item.failures = 0;
    item.at = clock_.Steady() + options_.checkpoint_every;
    if (!adapter) return;
  } else if (!IsRefusal(status)) {
    // The first time it is news; a coordinator that is away the session's log has.
    if (++item.failures == 1) {
      LogInfo(FieldsOf(item.of), "its {} is not sent, and tried again: {}", what, Message(status));
    }
    item.at = clock_.Steady() + WaitAfter(item.failures);
    item.newer = true;
    return;
  } else if (!adapter && absl::IsInvalidArgument(status)) {
    // Too large, say: the next may be smaller.
    if (!std::exchange(item.not_taken, true))
      LogWarning(FieldsOf(item.of), "the coordinator does not take this checkpoint: {}", Message(status));
    item.failures = 0;
    item.at = clock_.Steady() + options_.checkpoint_every;
    return;
  }
  if (adapter) {
    TellLocked({.adapter = true, .attempt_id = key.second, .status = status});
  } else {
    LogInfo(FieldsOf(item.of), "no checkpoint of it is sent any more: {}", Message(status));
    refused_.insert(key.second);
  }
  items_.erase(found);
}

void Carrier::RunFetcher() {
  for (;;) {
    Wanted wanted;
    {
      absl::MutexLock lock(&mutex_);
      const auto asked = [this]()
                             ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ending_ || !fetches_.empty(); };
      mutex_.Await(absl::Condition(&asked));
      if (ending_) return;
      wanted = std::move(fetches_.front());
      fetches_.pop_front();
      fetching_ = wanted.of.attempt_id;
    }
    const Status status = Fetch(wanted);
    absl::MutexLock lock(&mutex_);
    fetching_.clear();
    TellLocked({.adapter = false, .attempt_id = wanted.of.attempt_id, .status = status});
  }
}

Status Carrier::Fetch(const Wanted& wanted) {
  int failures = 0;  // that are not for want of an answer, or of room
  for (int tries = 1;; ++tries) {
    Status status = FetchInto(wanted.of);
    if (status.ok() || IsRefusal(status)) return status;
    const bool later = absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
    if (!later && ++failures >= options_.fetch_tries) return status;
    if (later && tries >= options_.fetch_tries && clock_.Steady() >= wanted.until)
      return Unavailable("{}", Message(status));
    if (!SleepBeforeFetch(WaitAfter(tries))) return NotWanted();
  }
}

}  // namespace lorikeet::agent
