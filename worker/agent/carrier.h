// Carries checkpoints and adapters over gRPC, on a channel and two threads of its own: one sends, one
// fetches. Neither leases nor events wait for it, and what it may take of the network is bounded.
//
// Of one trial's checkpoints the newest waits, and is sent some time after the last one was. What cannot be
// sent now is tried again, later each time; what the coordinator refuses is given up. A refusal is what the
// coordinator itself says: what fails on this host (no token, a file that cannot be read) is none.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "common/status.h"
#include "worker/agent/artifacts.h"
#include "worker/agent/known_hashes.h"

namespace lorikeet::agent {

struct CarrierOptions {
  std::shared_ptr<grpc::Channel> channel;        // its own
  std::string address;                           // for messages
  std::function<StatusOr<std::string>()> token;  // asked for each transfer
  std::string worker_id;
  Duration checkpoint_every =
      std::chrono::seconds(60);  // of one trial: from one's end to the next one's beginning
  Duration first_wait = std::chrono::seconds(1);
  Duration longest_wait = std::chrono::seconds(60);  // doubles up to here
  Duration transfer_limit = std::chrono::minutes(15);
  std::int64_t bytes_per_second = std::int64_t{64} << 20;    // up
  std::int64_t most_fetched_bytes = std::int64_t{64} << 30;  // of a checkpoint
  // How long a fetch is tried, from when it was asked for, while nobody answers or there is no room.
  Duration fetch_patience = std::chrono::minutes(5);
  int fetch_tries = 4;  // where it fails in another way; and the fewest in any case
};

// Its functions but for its destructor: of one thread.
class Carrier : public Artifacts {
 public:
  static StatusOr<std::unique_ptr<Carrier>> Create(CarrierOptions options, Clock& clock);
  // Cuts off what is on its way.
  ~Carrier() override;

  void SendCheckpoint(const ArtifactOf& checkpoint) override;
  void Forget(const std::string& attempt_id) override;
  void SendAdapter(const ArtifactOf& adapter) override;
  void FetchCheckpoint(const ArtifactOf& attempt) override;

  // Readable (poll) when Step has something to tell.
  int wake_file() const { return wake_; }
  void Step(ArtifactListener& listener);

 private:
  enum class Kind { kCheckpoint, kAdapter };
  using Key = std::pair<Kind, std::string>;  // and the attempt
  struct Item {
    ArtifactOf of;
    SteadyTime at{};  // when it may be sent
    int failures = 0;
    bool newer = false;      // has come while one was on its way
    bool not_taken = false;  // one of its checkpoints was not, and that was said
  };
  struct Wanted {
    ArtifactOf of;
    SteadyTime until{};
  };
  struct Told {
    bool adapter = false;
    std::string attempt_id;
    Status status;
  };

  Carrier(CarrierOptions options, int wake, Clock& clock);
  void RunSender();
  void RunFetcher();
  // The item that is due; waits for one. Nothing at the end.
  bool WaitForItem(Key& key, Item& item);
  void SentLocked(const Key& key, const Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellLocked(Told told) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Duration WaitAfter(int failures) const;
  // False where the carrier ends meanwhile.
  bool Sleep(Duration time);
  // False where the carrier ends, or nobody wants what is fetched any more.
  bool SleepBeforeFetch(Duration time);

  Status Send(Kind kind, const ArtifactOf& of);
  // Unavailable where it was tried for long enough.
  Status Fetch(const Wanted& wanted);
  Status FetchInto(const ArtifactOf& of);
  // Prepares a call that the destructor can end.
  class Call;

  const CarrierOptions options_;
  const int wake_;
  Clock& clock_;
  absl::Mutex mutex_;
  std::map<Key, Item> items_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> refused_
      ABSL_GUARDED_BY(mutex_);  // attempts whose checkpoints the coordinator does not take
  std::deque<Wanted> fetches_ ABSL_GUARDED_BY(mutex_);
  std::string fetching_
      ABSL_GUARDED_BY(mutex_);  // the attempt that is fetched for; empty: none, or not any more
  grpc::ClientContext* fetch_call_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::vector<Told> told_ ABSL_GUARDED_BY(mutex_);
  std::set<grpc::ClientContext*> calls_ ABSL_GUARDED_BY(mutex_);
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  KnownHashes hashes_;  // the sender's alone
  std::thread sender_, fetcher_;
};

}  // namespace lorikeet::agent
