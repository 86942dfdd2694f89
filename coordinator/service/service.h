// What the coordinator does: takes sweeps, plans grants, keeps leases, accepts reports. Plain types; no gRPC,
// no SQL.
//
// Not thread-safe: one thread owns it, its store included. What is asked is done in turns (DoTurn), each one
// transaction; a call outside a turn is a turn of its own. Nobody is told of anything before the transaction
// that records it has committed. Time comes from the Clock, ids from the RandomSource; nothing here starts a
// thread or sleeps, so that one process can simulate a fleet. Whoever composes calls Tick a few times a
// second.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "common/status.h"
#include "coordinator/core/benchmarks.h"
#include "coordinator/core/types.h"
#include "coordinator/store/store.h"
#include "sweeps/spec/spec.h"

namespace lorikeet::service {

class Observer;

// ---- what a worker says
// -------------------------------------------------------------------------------------------
struct Held {
  std::string attempt_id;
  core::Token token = 0;
  bool running = false;
  std::vector<std::int64_t> slots;
  std::int64_t spooled_sequence = 0;
};
// Which of a worker's Hellos it is: see worker.proto.
struct Origin {
  std::int64_t start = 0;
  std::string process;
  std::int64_t connection = 0;
};
struct Hello {
  std::int64_t protocol_version = 0;
  std::string build, worker_id, hostname;
  std::vector<core::Slot> slots;
  std::vector<Held> held;
  bool draining = false;
  Origin origin = {};
  Labels labels = {};
};
struct Lease {
  std::string attempt_id;
  core::Token token = 0;
};
struct Renew {
  std::int64_t nonce = 0;
  std::vector<Lease> leases;
};
struct Progress {
  std::string phase;
  std::int64_t step = 0, total = 0;
  std::optional<double> loss;
  double tokens_per_second = 0, eta_seconds = 0;
};
struct Started {
  std::string device, device_model, build;
  std::int64_t threads = 0, micro_batch_size = 0, from_step = 0, total_steps = 0;
  std::string data_fingerprint = {}, model_fingerprint = {};  // empty: it does not say
};
// What the attempt's host has, before its trainer starts.
struct Fingerprints {
  std::vector<core::Fingerprint> files;
};
struct Log {
  std::string level, message;
};
struct CheckpointSaved {
  std::int64_t step = 0;
};
struct OutOfMemory {
  std::string phase;
  std::int64_t step = 0, micro_batch_size = 0, parts = 0;
  std::string message;
};
struct Returned {
  std::int64_t step = 0;
  bool checkpointed = false;
  std::string reason;
  bool not_started = false;  // its host could not start it, for a reason of its own
};
struct Failed {
  std::string kind, message;
};
using Event = std::variant<Started, core::Metric, Log, CheckpointSaved, OutOfMemory, core::Document,
                           core::Prediction, core::Result, Returned, Failed, Fingerprints>;
struct Report {
  std::string attempt_id;
  core::Token token = 0;
  std::vector<std::pair<std::int64_t, Event>> events;  // (sequence, event), ascending
};

// ---- what a worker is told
// ----------------------------------------------------------------------------------------
struct Welcome {
  std::int64_t session = 0;
  Duration lease{}, renew_every{};
  std::vector<std::pair<std::string, std::int64_t>> keep;  // attempt, committed sequence
  std::vector<std::string> stop;
};
// What the coordinator has for a trial to go on from.
struct GrantCheckpoint {
  core::Token token = 0;  // of the attempt that sent it
  std::int64_t step = 0, bytes = 0;
};
struct Grant {
  core::Attempt attempt;
  std::string sweep_id, trial_name, trial_json;
  std::vector<std::int64_t> slots;
  bool want_documents = false;
  std::vector<core::Fingerprint> fingerprints = {};  // the sweep's, as far as they are fixed
  std::optional<GrantCheckpoint> checkpoint = {};
};
struct Renewed {
  std::int64_t nonce = 0;
  std::vector<std::string> attempt_ids;
};
struct Revoke {
  std::string attempt_id;
  core::Token token = 0;
  bool checkpoint = false;
  bool trial_over = false;
  std::string reason;
};
struct Ack {
  std::string attempt_id;
  std::int64_t sequence = 0;
  bool superseded = false;
};
struct Replaced {
  std::string reason;
};
struct DrainRequest {};
using ToWorker = std::variant<Welcome, Grant, Renewed, Revoke, Ack, Replaced, DrainRequest>;

// One worker's stream, as the service sees it. Its functions are called on the service's thread: they must
// queue, never block, never call back into the service.
class WorkerConnection {
 public:
  virtual ~WorkerConnection() = default;
  virtual void Send(ToWorker message) = 0;
  // In this order; what can leave together may.
  virtual void SendAll(std::vector<ToWorker> messages) {
    for (ToWorker& message : messages) Send(std::move(message));
  }
  // Ends the stream: its session is over, and the worker had better say Hello again.
  virtual void Close(const Status& reason) = 0;
};

// ---- what clients see
// ---------------------------------------------------------------------------------------------
struct SweepView {
  core::Sweep sweep;
  std::int64_t pending = 0, running = 0, succeeded = 0, failed = 0, cancelled = 0;
  std::vector<std::string> waiting;
  std::vector<core::SweepFile> files = {};  // with the hostname in worker_id's place
  std::vector<std::string> barred = {};     // workers whose files are others: "host-2: model: …"
  double elapsed_seconds = 0;
  std::optional<double> eta_seconds;
};
struct TrialView {
  core::Trial trial;
  std::string configuration;
  std::string worker_hostname, device;
  std::optional<Progress> progress;
  std::string waiting;
  std::vector<core::Attempt> attempts;  // in GetTrial only
};
struct WorkerView {
  // Its state as people see it: of one that was asked to drain, draining, then drained; quarantined.
  core::Worker worker;
  std::int64_t slots_busy = 0;
  std::vector<std::string> trials;
  std::vector<std::string> barred = {};  // from sweeps: "sweep 'one': model: …"
};
struct Submitted {
  std::string sweep_id, name;
  bool existing = false;
  std::int64_t trials = 0;
  std::vector<std::string> warnings;
};
struct Cancelled {
  std::int64_t trials = 0;
  std::string state;
};
// Of a pause or a resume.
struct Paused {
  std::string name, state;  // of the sweep, afterwards
  bool changed = false;     // false: it was so already, or the sweep has ended
  std::int64_t running = 0, pending = 0;
};
// Of a row of somebody else's that was taken in, or taken out.
struct Imported {
  std::string sweep, name;
};
// What was measured of a sweep's adapters, and how many rows went that were measured in another way.
struct BenchmarksTaken {
  std::string sweep;  // its name
  std::int64_t rows = 0, replaced = 0;
};
// A document of the test split: in an imported row with its summary.
struct ScoredDocument {
  std::string id, summary;
  std::vector<double> scores;  // by the upload's metrics
};
// A configuration, or a row of somebody else's, with a seed.
struct ScoredRun {
  std::string configuration;
  std::int64_t seed = 0;
  std::vector<ScoredDocument> documents;
};
// Scores that come from outside.
struct ScoresUpload {
  std::string sweep;         // an id or a name
  bool predictions = false;  // rows of somebody else's: summaries, and ROUGE (0 to 1) by kRougeMetrics
  std::string source;        // where such rows are from
  std::vector<std::string> metrics;
  std::vector<ScoredRun> runs;
};
struct ScoresTaken {
  std::string sweep;              // its name
  std::vector<std::string> rows;  // configurations, as they came
  std::int64_t runs = 0, documents = 0;
};
struct Prioritized {
  std::string name;
  std::int64_t priority = 0;  // afterwards
  bool changed = false;
};
struct Retried {
  std::int64_t trials = 0;         // that wait again
  std::string name, state;         // of the sweep or trial that was named, afterwards
  std::string sweep, sweep_state;  // of the sweep, afterwards
  bool is_trial = false;
};
struct Drained {
  std::string worker_id, hostname, state;  // as ListWorkers gives it, afterwards
  bool changed = false;
  std::int64_t attempts = 0;  // that it is to hand back
};

struct Readmitted {
  std::string worker_id, hostname, state;  // as ListWorkers gives it, afterwards
  bool changed = false;
};

// A client's request, by the id that the client made for it.
struct RequestKey {
  std::string id;           // empty: none
  std::string fingerprint;  // of what is asked
};

// An artifact with what people call its trial.
struct FoundArtifact {
  core::Artifact artifact;
  std::string trial_name;
};
// What a prune removed, or would.
struct PrunedSweep {
  std::string sweep_id, name;
  std::int64_t checkpoints = 0, checkpoint_bytes = 0;
  std::int64_t adapters = 0, adapter_bytes = 0;
  std::int64_t log_lines = 0, log_bytes = 0;
};

struct Options {
  Duration lease = std::chrono::seconds(60);
  Duration renew_every = std::chrono::seconds(10);
  // Nothing is granted while the data folder's disk has less room: what runs must be able to hand in.
  std::int64_t reserve_bytes = 0;
  std::string build;
  Observer* observer = nullptr;  // outlives the service; null: nobody counts
  // Removes the files of an artifact, by its path, once its row is gone; must queue, never block. Empty: they
  // stay until whoever composes sweeps what has no row.
  std::function<void(const std::string& path)> remove_files = {};
};

class Service {
 public:
  // Loads everything from the store before it returns; live leases get their full length anew from now.
  static StatusOr<std::unique_ptr<Service>> Create(const Options& options, store::Store& store, Clock& clock,
                                                   RandomSource& random);
  virtual ~Service() = default;

  // `requests` calls the functions below; then what waits is granted, all that changed is committed at once,
  // and what is to be said to workers is said. Where that fails nobody has been told anything, nothing that
  // was asked has happened, and:
  // - ResourceExhausted (no room on the disk): the service has started again from its file, as after a
  //   restart; the workers' streams are closed, and they say Hello again.
  // - Internal: nobody knows what the file holds. Nothing is done any more; the process must end.
  // Where another program has the database locked no transaction begins: what changes something answers
  // Unavailable from then on until the turn's end, and may be asked again in a later turn.
  virtual Status DoTurn(const std::function<void()>& requests) = 0;

  // Worker side. Connect answers through the connection (Welcome first) and returns the session; a newer
  // session of the same worker replaces an older (Replaced is sent to it). A protocol too old or too new:
  // FailedPrecondition. A Hello that was said before the open session's: Aborted.
  virtual StatusOr<std::int64_t> Connect(const Hello& hello,
                                         std::shared_ptr<WorkerConnection> connection) = 0;
  virtual Status HandleRenew(std::int64_t session, const Renew& renew) = 0;
  // Commits, then sends Ack. A stale token: Ack with superseded.
  virtual Status HandleReport(std::int64_t session, const Report& report) = 0;
  // A report that could not be decoded: its attempt has failed as crashed, and is told so. The others of its
  // worker go on.
  virtual Status HandleUnreadable(std::int64_t session, const Lease& lease, const Status& why) = 0;
  virtual void HandleProgress(std::int64_t session, const Lease& lease, const Progress& progress) = 0;
  virtual Status HandleClosed(std::int64_t session, const Lease& lease) = 0;
  virtual Status HandleDraining(std::int64_t session) = 0;
  // How all of its slots stand now. Others than its Hello offered: FailedPrecondition.
  virtual Status HandleSlots(std::int64_t session, const std::vector<core::Slot>& slots) = 0;
  virtual Status Disconnect(std::int64_t session) = 0;

  // Expires leases, ends backoffs, grants. `heard`: whatever workers said before then has been handed on. A
  // lease that ran out later does not end yet: its renewal may wait.
  virtual Status Tick(SteadyTime heard) = 0;
  Status Tick() { return Tick(SteadyTime::max()); }

  // Client side. `work` calls functions below and returns its answer as bytes, which are kept for a day under
  // the request's id in the same transaction; asked again, that answer comes without `work`. An error is not
  // kept: nothing has happened. Another request under a known id: InvalidArgument.
  virtual StatusOr<std::string> Once(const RequestKey& /*key*/,
                                     const std::function<StatusOr<std::string>()>& work) {
    return work();
  }
  // Submitting the same meaning under the same name returns the existing sweep; other content
  // under a taken name: AlreadyExists.
  virtual StatusOr<Submitted> Submit(const spec::Sweep& sweep) = 0;
  virtual std::vector<SweepView> ListSweeps() = 0;
  virtual StatusOr<SweepView> GetSweep(
      const std::string& sweep) = 0;  // id or name; NotFound names the nearest
  virtual StatusOr<std::vector<TrialView>> ListTrials(const std::string& sweep) = 0;
  virtual StatusOr<TrialView> GetTrial(const std::string& trial) = 0;
  // The sweep's trials that have a lease, with their progress: takes time by what runs, however many trials
  // there are.
  virtual StatusOr<std::vector<TrialView>> ListRunning(const std::string& sweep) = 0;
  virtual StatusOr<std::vector<core::HistoryEvent>> Events(const std::string& sweep, const std::string& trial,
                                                           std::int64_t after, std::int64_t most) = 0;
  virtual StatusOr<Cancelled> Cancel(const std::string& sweep, const std::string& trial) = 0;
  // Each of these may be asked again: what is so already stays so, and changed is false.
  // Nothing new of a paused sweep is granted; what runs goes on. Resume of a cancelled one:
  // FailedPrecondition.
  virtual StatusOr<Paused> Pause(const std::string& sweep) = 0;
  virtual StatusOr<Paused> Resume(const std::string& sweep) = 0;
  // Failed and cancelled trials wait again, with nothing counted against them; their sweep goes on, or stays
  // paused. `name`: a sweep's or a trial's.
  virtual StatusOr<Retried> Retry(const std::string& name) = 0;
  // Which sweep is served first, from now on. A priority beyond spec::kMostPriority: InvalidArgument.
  virtual StatusOr<Prioritized> SetPriority(const std::string& sweep, std::int64_t priority) = 0;
  // A row of somebody else's in the sweep's table; one of that name is replaced. `row.sweep_id` is an id or a
  // name. AlreadyExists where a configuration has the name; InvalidArgument for figures that cannot be.
  virtual StatusOr<Imported> ImportRow(const core::ForeignRow& row) = 0;
  virtual StatusOr<Imported> RemoveRow(const std::string& sweep, const std::string& name) = 0;
  // All of the upload, or nothing: scores.h. What is there under the same names is replaced.
  virtual StatusOr<ScoresTaken> PutScores(const ScoresUpload& upload) = 0;
  // What summarizing costs, all of it or nothing: benchmarks.h.
  virtual StatusOr<BenchmarksTaken> PutBenchmarks(const core::Benchmarks& measured) = 0;
  // The worker gets nothing new and hands back what it runs, now or when it is next connected, until `undo`.
  virtual StatusOr<Drained> Drain(const std::string& worker, bool undo) = 0;
  // A quarantined worker may have trials again, one that is barred from sweeps theirs too.
  virtual StatusOr<Readmitted> Readmit(const std::string& worker) = 0;
  virtual std::vector<WorkerView> ListWorkers() = 0;

  // Files of trials. Whoever composes moves the bytes; here is who may, and what counts.
  // Whether an artifact may come now from this worker, while `coming` bytes of others do; its path under the
  // artifacts' folder. Aborted for a token that is not its trial's newest, or an attempt that is not that
  // worker's; FailedPrecondition for a trial that has ended (a checkpoint) or not succeeded (an adapter);
  // ResourceExhausted where the disk would have less than its reserve.
  virtual StatusOr<std::string> OfferArtifact(const core::Artifact& artifact, const std::string& worker_id,
                                              std::int64_t coming) = 0;
  // The files are at its path, on disk: the fence again, and the row, in one transaction; the files of the
  // trial's last of that kind are removed after the commit. Errors as above.
  virtual Status KeepArtifact(const core::Artifact& artifact, const std::string& worker_id) = 0;
  // For the worker that holds the trial.
  virtual StatusOr<FoundArtifact> FindCheckpoint(const std::string& trial_id, const Lease& lease,
                                                 const std::string& worker_id) = 0;
  // For people. FailedPrecondition says why there is none: the trial has not succeeded, trains no adapter.
  virtual StatusOr<FoundArtifact> FindAdapter(const std::string& trial) = 0;
  // Removes what ended sweeps need not keep any more (spec::Sweep::keep), or says what that would be: of one
  // sweep, by id or name, or of all. Sweeps with nothing to remove are left out.
  virtual StatusOr<std::vector<PrunedSweep>> Prune(const std::string& sweep, bool dry_run) = 0;
};

}  // namespace lorikeet::service
