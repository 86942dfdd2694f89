// What the coordinator does: takes sweeps, plans grants, keeps leases, accepts reports. Plain types; no gRPC,
// no SQL.
//
// Thread-safe: one mutex serialises every call, the store's transactions included. Memory changes only after
// the transaction that records the change has committed. Time comes from the Clock, ids from the
// RandomSource; nothing here starts a thread or sleeps, so that one process can simulate a fleet. Whoever
// composes calls Tick regularly (a few times a second) and after every call that may free a slot or add a
// trial; Service calls it itself there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "common/status.h"
#include "coordinator/core/types.h"
#include "coordinator/store/store.h"
#include "sweeps/spec/spec.h"

namespace lorikeet::service {

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
};
struct Failed {
  std::string kind, message;
};
using Event = std::variant<Started, core::Metric, Log, CheckpointSaved, OutOfMemory, core::Document,
                           core::Prediction, core::Result, Returned, Failed>;
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
struct Grant {
  core::Attempt attempt;
  std::string sweep_id, trial_name, trial_json;
  std::vector<std::int64_t> slots;
  bool want_documents = false;
};
struct Renewed {
  std::int64_t nonce = 0;
  std::vector<std::string> attempt_ids;
};
struct Revoke {
  std::string attempt_id;
  core::Token token = 0;
  bool checkpoint = false;
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

// One worker's stream, as the service sees it. Send is called under the service's lock: it must queue, never
// block, never call back into the service.
class WorkerConnection {
 public:
  virtual ~WorkerConnection() = default;
  virtual void Send(ToWorker message) = 0;
};

// ---- what clients see
// ---------------------------------------------------------------------------------------------
struct SweepView {
  core::Sweep sweep;
  std::int64_t pending = 0, running = 0, succeeded = 0, failed = 0, cancelled = 0;
  std::vector<std::string> waiting;
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
  core::Worker worker;
  std::int64_t slots_busy = 0;
  std::vector<std::string> trials;
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

struct Options {
  Duration lease = std::chrono::seconds(60);
  Duration renew_every = std::chrono::seconds(10);
  std::string build;
};

class Service {
 public:
  // Loads everything from the store before it returns; live leases get their full length anew from now.
  static StatusOr<std::unique_ptr<Service>> Create(Options options, store::Store& store, Clock& clock,
                                                   RandomSource& random);
  virtual ~Service() = default;

  // Worker side. Connect answers through the connection (Welcome first) and returns the session; a newer
  // session of the same worker replaces an older (Replaced is sent to it). A protocol too old or too new:
  // FailedPrecondition. A Hello that was said before the open session's: Aborted.
  virtual StatusOr<std::int64_t> Connect(const Hello& hello,
                                         std::shared_ptr<WorkerConnection> connection) = 0;
  virtual void HandleRenew(std::int64_t session, const Renew& renew) = 0;
  // Commits, then sends Ack. A stale token: Ack with superseded. An Internal status means nothing was
  // acknowledged.
  virtual Status HandleReport(std::int64_t session, const Report& report) = 0;
  virtual void HandleProgress(std::int64_t session, const Lease& lease, const Progress& progress) = 0;
  virtual void HandleClosed(std::int64_t session, const Lease& lease) = 0;
  virtual void HandleDraining(std::int64_t session) = 0;
  virtual void Disconnect(std::int64_t session) = 0;

  // Expires leases, ends backoffs, grants. Errors of the store are returned; the composer ends the process on
  // them.
  virtual Status Tick() = 0;

  // Client side. Submitting the same meaning under the same name returns the existing sweep; other content
  // under a taken name: AlreadyExists.
  virtual StatusOr<Submitted> Submit(const spec::Sweep& sweep) = 0;
  virtual std::vector<SweepView> ListSweeps() = 0;
  virtual StatusOr<SweepView> GetSweep(
      const std::string& sweep) = 0;  // id or name; NotFound names the nearest
  virtual StatusOr<std::vector<TrialView>> ListTrials(const std::string& sweep) = 0;
  virtual StatusOr<TrialView> GetTrial(const std::string& trial) = 0;
  virtual StatusOr<std::vector<core::HistoryEvent>> Events(const std::string& sweep, const std::string& trial,
                                                           std::int64_t after, std::int64_t most) = 0;
  virtual StatusOr<Cancelled> Cancel(const std::string& sweep, const std::string& trial) = 0;
  virtual std::vector<WorkerView> ListWorkers() = 0;
};

}  // namespace lorikeet::service
