// The worker's side of the session: which attempts it holds, what it owes the coordinator, when it gives up.
//
// A state machine without threads, sockets or clocks of its own: the connection, the launcher and the time
// come in from outside, so that one process can simulate a fleet. It holds no decision: it runs what it is
// granted, hands in what trainers report, and ends what is not its own any more.
//
//   disconnected ──OnConnected: Hello──▶ greeting ──Welcome──▶ welcomed ──OnDisconnected──▶ disconnected
//
// An attempt:  granted ─▶ running ─▶ closed (process group gone) ─┐
//                            └─▶ last event spooled ─▶ acknowledged ┴─▶ removed
// or dropped (superseded, cancelled, revoked): nothing more is handed in; removed once closed.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/status.h"
#include "lorikeet/v1/worker.pb.h"
#include "worker/agent/attempts.h"
#include "worker/agent/devices.h"
#include "worker/agent/folder.h"
#include "worker/agent/launcher.h"

namespace lorikeet::agent {

// The stream to the coordinator, as the session sees it. Not thread-safe.
class Link {
 public:
  virtual ~Link() = default;
  // Queues; never blocks. Lost where the stream breaks: the session repeats what matters.
  virtual void Send(const v1::WorkerMessage& message) = 0;
  // Much is queued: what may be lost had better not be sent.
  virtual bool Busy() const = 0;
  // Breaks the stream, which is opened again.
  virtual void Reset(const std::string& reason) = 0;
};

struct SessionOptions {
  std::string hostname;
  std::string build;
  std::string process;  // drawn at its start
  std::vector<Slot> slots;
  // How long an attempt trains on beyond its lease while the coordinator cannot be reached.
  Duration orphan_after = std::chrono::hours(1);
  // How long a draining worker waits for its attempts to be checkpointed and acknowledged.
  Duration drain_limit = std::chrono::seconds(60);
  // How long the slots of a trial that could not be started are kept, so that it is not tried in a circle.
  Duration start_backoff = std::chrono::seconds(10);
  Duration progress_every = std::chrono::seconds(1);
  std::size_t most_events = 256;           // of a batch
  std::size_t most_event_bytes = 1 << 20;  // of a batch, where it holds more than one event
  std::size_t most_batches = 16;           // sent and not acknowledged
};

// Why the worker ends.
struct Outcome {
  int exit_code = 0;
  std::string message;  // empty: nothing to say
};

// Not thread-safe. The folder, launcher, link and clock outlive it.
class Session : public TrainerListener {
 public:
  Session(SessionOptions options, const Folder& folder, Launcher& launcher, Link& link, Clock& clock);
  ~Session() override;

  // Takes over what an earlier run left (RecoverAttempts): finished attempts are handed in, unfinished ones
  // handed back.
  Status Recover(std::vector<StoredAttempt> attempts);

  // The stream is open: says Hello.
  void OnConnected();
  void OnMessage(const v1::CoordinatorMessage& message);
  void OnDisconnected(const std::string& reason);
  void OnTrainerEvent(const std::string& attempt_id, const protocol::Event& event) override;
  void OnTrainerClosed(const std::string& attempt_id) override;
  // No new attempts; checkpoints and hands back the running ones; then the outcome is there.
  void Drain(const std::string& reason);
  // Renews, sends what is spooled, keeps limits. Call it a few times a second, and after any of the above.
  void Tick();

  bool draining() const { return draining_; }
  // Whether any process may still run.
  bool busy() const;
  // Set once the worker should end; nothing is sent afterwards.
  const std::optional<Outcome>& outcome() const { return outcome_; }

 private:
  struct Attempt;
  enum class State { kDisconnected, kGreeting, kWelcomed };

  void HandleWelcome(const v1::Welcome& welcome);
  void HandleGrant(const v1::Grant& grant);
  void HandleRenewed(const v1::Renewed& renewed);
  void HandleRevoke(const v1::Revoke& revoke);
  void HandleAck(const v1::Ack& ack);

  Attempt* Find(const std::string& attempt_id);
  Status CheckGrant(const v1::Grant& grant) const;
  StatusOr<Launch> MakeLaunch(const v1::Grant& grant) const;
  void StartOrReturn(Attempt& attempt);
  // Whether an older attempt of the same trial still has a process, which would write into the same folder.
  bool TrialBusy(const Attempt& attempt) const;
  void StartWaiting();
  void Spool(Attempt& attempt, const v1::Event& event);
  void SpoolReturned(Attempt& attempt, const std::string& reason);
  void SpoolFailed(Attempt& attempt, const std::string& kind, const std::string& message);
  void StopTrainer(Attempt& attempt, StopHow how, const std::string& reason);
  // Nothing more is handed in; the process is stopped.
  void DropAttempt(Attempt& attempt, const std::string& reason);
  void FreeSlots(Attempt& attempt);
  // Forgets what is over; tells the coordinator of freed slots.
  void RemoveFinished();

  void SendHello();
  void SendRenew();
  void SendEvents();
  void SendProgress();
  void SendClosed(Attempt& attempt);
  void KeepLimits();
  void Finish(int exit_code, const std::string& message);

  const SessionOptions options_;
  const Folder& folder_;
  Launcher& launcher_;
  Link& link_;
  Clock& clock_;

  State state_ = State::kDisconnected;
  std::map<std::string, std::unique_ptr<Attempt>> attempts_;  // by id
  std::optional<Outcome> outcome_;

  // Of the stream that is open.
  std::int64_t connections_ = 0;
  SteadyTime hello_sent_{};
  std::set<std::string> in_hello_;
  SteadyTime last_heard_{};
  Duration lease_ = std::chrono::seconds(60);
  Duration renew_every_ = std::chrono::seconds(10);
  SteadyTime next_renew_{};
  struct Renewal {
    SteadyTime sent;
    std::vector<std::string> attempts;
  };
  std::map<std::int64_t, Renewal> renewals_;  // by nonce, not answered yet
  std::int64_t nonce_ = 0;

  bool draining_ = false;
  bool draining_told_ = false;
  std::string drain_reason_;
  SteadyTime drain_deadline_{};
};

}  // namespace lorikeet::agent
