// The worker's side of the session: which attempts it holds, what it owes the coordinator, when it gives up.
//
// A state machine without threads, sockets or clocks of its own: the connection, the launcher and the time
// come in from outside, so that one process can simulate a fleet. It holds no decision: it runs what it is
// granted, hands in what trainers report, and ends what is not its own any more.
//
//   disconnected ──OnConnected: Hello──▶ greeting ──Welcome──▶ welcomed ──OnDisconnected──▶ disconnected
//
// An attempt:  granted ─▶ files known ─▶ running ─▶ closed (process group gone, GPU memory free) ─┐
//                                           └─▶ last event spooled ─▶ acknowledged ──────────────┴─▶ removed
// or waiting, while a checkpoint is fetched for it; or dropped (superseded, cancelled, revoked): nothing more
// is handed in; removed once closed.
//
// A full disk loses nothing: events wait in memory and are handed in from there. An attempt whose spool fails
// in another way is handed back from memory, and its neighbours run on; the worker ends where its folder as a
// whole cannot be written.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/labels.h"
#include "common/logging.h"
#include "common/status.h"
#include "lorikeet/v1/worker.pb.h"
#include "sweeps/trial/trial.h"
#include "worker/agent/artifacts.h"
#include "worker/agent/attempts.h"
#include "worker/agent/devices.h"
#include "worker/agent/folder.h"
#include "worker/agent/gpu_idle.h"
#include "worker/agent/gpu_releases.h"
#include "worker/agent/launcher.h"
#include "worker/agent/trial_files.h"

namespace lorikeet::agent {

// The stream to the coordinator, as the session sees it. Not thread-safe.
class Link {
 public:
  virtual ~Link() = default;
  // Queues; never blocks. Lost where the stream breaks: the session repeats what matters.
  virtual void Send(const v1::WorkerMessage& message) = 0;
  // Something is queued already: what can wait had better, so that renewals need not.
  virtual bool Busy() const = 0;
  // Breaks the stream, which is opened again.
  virtual void Reset(const std::string& reason) = 0;
};

struct SessionOptions {
  std::string hostname;
  std::string build;
  std::string process;  // drawn at its start
  std::vector<Slot> slots;
  Labels labels = {};
  // Whether a trial may run here, for what it reads; empty: any may. One that may not fails as bad_input,
  // with this word.
  std::function<Status(const Trial&)> allow_trial;
  // Where there is one, nothing starts before its files are known to be the sweep's. Outlives the session.
  Fingerprinter* fingerprinter = nullptr;
  // Where there is one, a GPU's slot is free again only when its memory is. Outlives the session.
  GpuMemory* gpu_memory = nullptr;
  GpuReleases::Limits gpu_limits = {};
  std::string boot = {};  // of the host
  // What carries checkpoints and adapters; null: nothing does. Outlives the session.
  Artifacts* artifacts = nullptr;
  // A folder that other hosts have too: where trials of full fine-tuning keep their checkpoints. Empty: none.
  std::string shared_checkpoints = {};
  // How long an attempt trains on beyond its lease while the coordinator cannot be reached.
  Duration orphan_after = std::chrono::hours(1);
  // How long a draining worker waits for its attempts to be checkpointed and acknowledged.
  Duration drain_limit = std::chrono::seconds(60);
  // How long an attempt may wait for its files to be known and its checkpoint to be here: a file server that
  // is away may never answer. A large model on a slow disk takes its time, and trials wait for each other.
  Duration prepare_limit = std::chrono::minutes(30);
  // How long the slots of a trial that could not be started are kept, so that it is not tried in a circle.
  Duration start_backoff = std::chrono::seconds(10);
  Duration progress_every = std::chrono::seconds(1);
  std::size_t most_events = 256;           // of a batch
  std::size_t most_event_bytes = 1 << 20;  // of a batch, where it holds more than one event
  std::size_t most_batches = 16;           // sent and not acknowledged, of all attempts
  std::size_t most_batches_each = 2;       // of one attempt, so that it does not take the others' turns
  // Of one attempt's events, waiting in memory for room on the disk; then its trainer is not read any more.
  std::size_t most_waiting_bytes = 4 << 20;
  // Of one attempt's events that are not handed in; beyond it learning curves are thinned (thinning.h).
  std::size_t most_spooled_bytes = 64 << 20;
  std::int64_t few_points = 64;  // a curve with so few while that lasts is kept whole
};

// Why the worker ends.
struct Outcome {
  int exit_code = 0;
  std::string message;  // empty: nothing to say
};

// Not thread-safe. The folder, launcher, link and clock outlive it.
class Session : public TrainerListener, public ArtifactListener {
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
  // Answers, each to an earlier Ask.
  void OnFingerprints(const std::string& attempt_id, const std::vector<FileFingerprint>& found);
  // Some of its files could not be read, which says nothing of what is in them.
  void OnFilesUnread(const std::string& attempt_id, const Status& why);
  void OnGpuMemory(const StatusOr<std::vector<std::int64_t>>& in_use);
  void OnAdapterSent(const std::string& attempt_id, const Status& status) override;
  void OnCheckpointFetched(const std::string& attempt_id, const Status& status) override;
  // No new attempts; checkpoints and hands back the running ones; then the outcome is there.
  void Drain(const std::string& reason);
  // The running ones, as Drain; the worker stays, and takes what it is granted.
  void HandBack(const std::string& reason);
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
  static LogFields FieldsOf(const Attempt& attempt);
  Status CheckGrant(const v1::Grant& grant) const;
  StatusOr<Launch> MakeLaunch(const v1::Grant& grant) const;
  void StartOrReturn(Attempt& attempt);
  // Whether an older attempt of the same trial still has a process, which would write into the same folder.
  bool TrialBusy(const Attempt& attempt) const;
  void StartWaiting();
  // Tells its spool what this host has; whether that is what the sweep has. Else it is handed back.
  bool FilesAgree(Attempt& attempt, const std::vector<FileFingerprint>& found);
  // The devices of its slots, each once.
  std::set<std::string> DevicesOf(const AttemptRecord& record) const;
  // Why the slot is not offered; empty: it is.
  std::string WhyNotOffered(const Slot& slot) const { return gpus_.WhyNot(slot.device); }
  // Frees the slots of attempts whose devices are free, or quarantined; asks for readings.
  void WatchDevices();
  ArtifactOf ArtifactOfAttempt(const Attempt& attempt) const;
  // Has the coordinator's checkpoint brought here, where this host's own is older: the attempt waits for it.
  void FetchIfNewer(Attempt& attempt, const v1::Grant& grant);
  void SendCheckpoint(const Attempt& attempt);
  // What an attempt with a result has kept is sent, once that is the coordinator's; its trial's folder stays
  // until then.
  void KeepAdapter(const Attempt& attempt);
  void RecoverAdapters();
  // An attempt or an adapter that is to be sent needs its folder.
  bool TrialInUse(const std::string& trial_id) const;
  // With its checkpoints in the shared folder, unless it came to its result: then the trainer has removed
  // them, and left word there for attempts that come late. There, those of higher tokens stay.
  void RemoveTrial(const std::string& trial_id, std::int64_t token, bool succeeded);
  // Reads what an earlier run spooled: its last word, its checkpoints.
  Status ReadSpool(Attempt& attempt);
  // But for points of learning curves that are left out.
  void Spool(Attempt& attempt, const v1::Event& event);
  void Append(Attempt& attempt, const v1::Event& event);
  // How full its spool is, as bytes of most_spooled_bytes: on disk, or in memory while that is full.
  std::size_t Fullness(const Attempt& attempt) const;
  bool KeepsPoint(Attempt& attempt, const v1::Event& event);
  void EndThinning(Attempt& attempt);
  // What an event that is spooled means for the attempt and its trial.
  static void NoteLastWord(Attempt& attempt, const v1::Event& event);
  // Keeps what a full disk means up to date: what is said of it, whether the trainer is read.
  void NoteRoom(Attempt& attempt);
  void WriteWaiting();
  // Its spool cannot be trusted: its trainer is stopped, and the attempt is handed back from memory.
  void LoseSpool(Attempt& attempt, const Status& why);
  // The coordinator has its events up to here.
  void HandIn(Attempt& attempt, std::int64_t committed);
  // The coordinator has more of it than the spool, or than the spool can tell: the last word goes behind
  // that.
  void RestartSpool(Attempt& attempt, std::int64_t committed);
  // Keeps the slots of what could not be started for a while.
  void HoldSlots(Attempt& attempt);
  // Ends the worker where its folder cannot be written.
  void CheckFolder();
  // `not_started`: this host could not, whatever the trial.
  void SpoolReturned(Attempt& attempt, const std::string& reason, bool not_started = false);
  void SpoolFailed(Attempt& attempt, const std::string& kind, const std::string& message);
  void StopTrainer(Attempt& attempt, StopHow how, const std::string& reason);
  // Nothing more is handed in; the process is stopped.
  void DropAttempt(Attempt& attempt, const std::string& reason);
  void FreeSlots(Attempt& attempt);
  // Forgets what is over; tells the coordinator of freed slots.
  void RemoveFinished();
  void RemoveOldTrials();

  void SendHello();
  void SendRenew();
  // In turns, a batch at a time.
  void SendEvents();
  // False where it has nothing to send now.
  bool SendBatch(Attempt& attempt);
  void SendProgress();
  void SendClosed(Attempt& attempt);
  // Why each slot is not offered, by index; empty: it is, or an attempt has it.
  std::map<std::int64_t, std::string> SlotsNow() const;
  // Where that is not what was last told.
  void SendSlots();
  void KeepLimits();
  void KeepPrepareLimit(Attempt& attempt);
  void Finish(int exit_code, const std::string& message);

  const SessionOptions options_;
  const Folder& folder_;
  Launcher& launcher_;
  Link& link_;
  Clock& clock_;

  State state_ = State::kDisconnected;
  std::map<std::string, std::unique_ptr<Attempt>> attempts_;  // by id
  GpuReleases gpus_;
  IdleMemory idle_stored_;
  std::map<std::int64_t, std::string> slots_told_;  // of SlotsNow
  std::string served_;                              // whose batch was sent last
  std::map<std::string, ArtifactOf> adapters_;      // that are to be sent, by attempt
  // Trials whose folders are gone while something is still fetched for an attempt (the key) of theirs.
  std::map<std::string, std::string> left_fetches_;
  SteadyTime next_cleaning_{};
  std::optional<Outcome> outcome_;

  // Of the stream that is open.
  std::string session_;  // its number, for the log
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
