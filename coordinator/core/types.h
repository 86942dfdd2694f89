// What the coordinator knows: sweeps, configurations, trials, attempts, workers. Plain values, no I/O, no
// clock.
//
// Times are wall times, only stored and shown; what counts time is steady and lives in coordinator/service.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/labels.h"
#include "sweeps/trial/keep.h"
#include "sweeps/trial/retry.h"
#include "sweeps/trial/trial.h"
#include "sweeps/trial/tune.h"
#include "sweeps/trial/verdict.h"

namespace lorikeet::core {

// A fencing token: grows with every grant and every cancel of its trial; 0 before the first. A retry needs
// none: no attempt of a trial that has ended counts any more.
using Token = std::int64_t;

enum class SweepState { kRunning, kPaused, kFinished, kCancelled };
enum class TrialState { kPending, kRunning, kSucceeded, kFailed, kCancelled };
// kGranted: leased, not yet heard of. kLost: the lease ran out; a late report still counts until the trial is
// granted again (then kSuperseded). kReturned: handed back by a draining worker, or refused before it
// started.
enum class AttemptState {
  kGranted,
  kRunning,
  kLost,
  kSucceeded,
  kFailed,
  kReturned,
  kSuperseded,
  kCancelled
};

std::string Name(SweepState state);
std::string Name(TrialState state);
std::string Name(AttemptState state);
StatusOr<SweepState> ParseSweepState(const std::string& name);
StatusOr<TrialState> ParseTrialState(const std::string& name);
StatusOr<AttemptState> ParseAttemptState(const std::string& name);

struct Sweep {
  std::string id;  // "s-…"
  std::string name;
  std::string fingerprint;
  std::string text;  // the sweep file
  SweepState state = SweepState::kRunning;
  std::string baseline;  // a configuration's name
  RetryPolicy retry;
  Keep keep = {};                                // what of it is kept after its end, and how long
  std::int64_t priority = 0;                     // higher is served first
  std::optional<std::int64_t> max_running = {};  // trials at once; none: any number
  Labels labels = {};                            // what its workers must have
  std::int64_t trials = 0;
  std::vector<std::int64_t> seeds;
  std::vector<std::string> notes;
  VerdictSettings verdict = {};  // what is asked of the comparisons
  std::int64_t family = 0;       // configurations that are tested against the baseline
  TuneSettings tune = {};        // how rows' settings are chosen; no axes: none are
  WallTime submitted_at{};
  std::optional<WallTime> finished_at;
};

struct Configuration {
  std::int64_t id = 0;  // given by the store
  std::string sweep_id;
  std::int64_t position = 0;  // the table's order
  std::string name, arm;
  std::vector<std::pair<std::string, std::string>> axes, settings;
  bool baseline = false;
  std::int64_t planned = 0;  // trials
  std::string trial;  // the trial file with seed 0, JSON (sweeps/trial); empty where the store alone has it
  // A row of the table has its settings chosen from so many; 1: it has them.
  std::int64_t tries = 1;
  std::int64_t candidate_of = 0;  // the row that it may become; 0: it is one
  std::int64_t chosen_id = 0;     // of a row: what it became; 0: nothing yet
  std::string edge = {};          // of a row: the axes at whose end that lies

  // Nothing is known yet of what its trials run.
  bool Undecided() const { return tries > 1 && chosen_id == 0; }
};

struct Trial {
  std::string id;  // "t-…"
  std::string sweep_id;
  std::int64_t configuration_id = 0;
  std::int64_t position = 0;  // the order to run in
  std::string name;           // "lora rank=8 seed=1"
  std::int64_t seed = 0;
  TrialState state = TrialState::kPending;
  Token token = 0;                     // the newest issued
  std::int64_t failures = 0;           // attempts that failed by the trial's own fault, since its last retry
  std::int64_t interruptions = 0;      // attempts lost or handed back, since its last retry
  std::int64_t slots = 1;              // how many slots of one worker it takes
  bool needs_gpu = false;              // resources.gpus >= 1
  std::optional<WallTime> not_before;  // backoff
  std::string last_worker_id;          // has its checkpoint
  std::string failure_kind, failure_message;  // of the last failed attempt
  friend bool operator==(const Trial&, const Trial&) = default;
};

struct Attempt {
  std::string id;  // "a-…"
  std::string trial_id;
  std::int64_t number = 1;  // of the trial, from 1, without gaps
  Token token = 0;
  std::string worker_id;
  AttemptState state = AttemptState::kGranted;
  std::int64_t sequence = 0;  // the highest event committed
  WallTime granted_at{};
  std::optional<WallTime> started_at, ended_at;
  std::string device, device_model, build;
  std::int64_t threads = 0, micro_batch_size = 0;
  std::string failure_kind, failure_message;
  friend bool operator==(const Attempt&, const Attempt&) = default;
};

struct Slot {
  std::int64_t index = 0;
  std::string kind;    // "cpu" or "cuda"
  std::string device;  // "cpu", "cuda:0"
  std::string device_model;
  std::int64_t memory_bytes = 0;
  std::int64_t threads = 0;
  std::string quarantine = {};  // why the worker does not offer it now; empty: it does
};

// What one of the things that a trial reads is: "model", "documents" (as read from the data), or a path.
struct Fingerprint {
  std::string name;
  std::string value;       // hex SHA-256; empty where its host cannot read it
  std::string error = {};  // why it cannot
};
// The same of a whole sweep, once a worker has said it.
struct SweepFile {
  std::string sweep_id, name, value;
  std::string worker_id;  // who said it first
  WallTime fixed_at{};
};
// A worker whose files are not a sweep's.
struct Bar {
  std::string worker_id, sweep_id;
  std::string process;  // which start of the worker's (Hello)
  std::string reason;
  WallTime barred_at{};
};

struct Worker {
  std::string id;  // kept in its --dir
  std::string hostname, build;
  std::int64_t session = 0;  // grows with each of its sessions; a newer one replaces an older
  std::string state;         // connected, draining, disconnected
  bool drain = false;        // a person wants it to take nothing new, until they undo it
  std::string quarantine =
      {};  // why it gets nothing new until a person readmits it; empty: it may have trials
  std::vector<std::string> failing = {};  // trials that failed on it since one last succeeded there
  Labels labels = {};                     // what it was started with
  std::vector<Slot> slots;
  WallTime first_seen_at{}, last_seen_at{};
};

enum class ArtifactKind {
  kCheckpoint,  // to go on from, at whichever worker
  kAdapter,     // what the trial kept, in PEFT's format
};
std::string Name(ArtifactKind kind);
StatusOr<ArtifactKind> ParseArtifactKind(const std::string& name);

struct ArtifactFile {
  std::string name;
  std::int64_t bytes = 0;
  std::string sha256;  // 64 hexadecimal digits
  friend bool operator==(const ArtifactFile&, const ArtifactFile&) = default;
};
// Files of a trial that the coordinator keeps. A trial has one of a kind at most.
struct Artifact {
  std::string trial_id, attempt_id;
  ArtifactKind kind = ArtifactKind::kCheckpoint;
  Token token = 0;  // the attempt's
  std::int64_t step = 0;
  std::string path;  // of its folder, under the data folder's artifacts/
  std::vector<ArtifactFile> files;
  WallTime created_at{};

  std::int64_t Bytes() const {
    std::int64_t bytes = 0;
    for (const ArtifactFile& file : files) bytes += file.bytes;
    return bytes;
  }
};

// A line of a sweep's history, for people.
struct HistoryEvent {
  std::int64_t id = 0;  // given by the store
  WallTime time{};
  std::string sweep_id, trial_id, attempt_id, worker_id;  // empty where it does not apply
  std::string
      kind;  // submitted, granted, started, checkpoint, out_of_memory, succeeded, failed, lost, returned, …
  std::string message;
};

struct RougeF1 {
  double rouge1 = 0, rouge2 = 0, rougeL = 0, rougeLsum = 0;  // 0 to 1
};
// The metrics by their names in the database, in the table's order.
struct RougeMetric {
  const char* name;
  double RougeF1::*value;
};
inline constexpr RougeMetric kRougeMetrics[] = {{"rouge1", &RougeF1::rouge1},
                                                {"rouge2", &RougeF1::rouge2},
                                                {"rougeL", &RougeF1::rougeL},
                                                {"rougeLsum", &RougeF1::rougeLsum}};
struct SplitScore {
  RougeF1 rouge;
  std::int64_t documents = 0;
  double sources_cut = 0, targets_cut = 0, outputs_cut = 0;
};
struct Document {
  std::string split, id, article, reference;
  std::int64_t position = 0;
};
struct Prediction {
  std::string split, id, summary;
  std::int64_t position = 0, tokens = 0;
  RougeF1 rouge;
};
struct Metric {
  std::int64_t step = 0;
  std::string name;
  double value = 0;
};
struct Result {  // the fields of worker/protocol's Result
  SplitScore test, validation;
  std::optional<double> validation_loss, test_loss;
  std::int64_t kept_step = 0, last_step = 0, train_documents = 0, empty_documents = 0,
               trainable_parameters = 0;
  double trainable_share = 0;
  std::string device, device_model, precision;
  std::int64_t threads = 0, micro_batch_size = 0;
  double train_seconds = 0, tokens_per_second = 0;
  std::int64_t peak_memory_bytes = 0;
  double latency_p50_seconds = 0, latency_p95_seconds = 0, generated_tokens_per_second = 0;
  std::int64_t adapter_bytes = 0;
  std::string data_fingerprint, model_fingerprint;
  std::int64_t predictions = 0;
  std::string build;  // the trainer's; the coordinator has it from the attempt's start
};

struct MeanSd {
  std::optional<double> mean, sd;
};
// A row of somebody else's. Scores in percent, as papers print them.
struct ForeignRow {
  std::string sweep_id, name, source;
  std::optional<std::int64_t> seeds;
  MeanSd rouge1, rouge2, rougeL, rougeLsum;
  std::optional<std::int64_t> trainable_parameters;
  std::optional<double> trainable_percent;
  WallTime imported_at{};
};

// What a comparison reads of a trial that succeeded.
struct ScoredTrial {
  std::int64_t seed = 0;
  bool kept_last = false;  // keep: best, and the best step was the last
  std::string data_fingerprint, model_fingerprint, build, precision;
  RougeF1 test;  // the result's, over all documents of the test split
  std::vector<std::pair<std::string, RougeF1>> documents;  // of the test split, by id
};

// A row's candidate: what it was tried with, and what came of it.
struct Candidate {
  std::int64_t configuration_id = 0;
  std::string name;
  std::vector<std::pair<std::string, std::string>> axes;
  std::int64_t planned = 0;
  std::vector<double> scores;  // by the sweep's tune.by, of its trials that succeeded
};

// A configuration beside its baseline, in ROUGE points. docs/schema.md, `comparisons`.
struct Comparison {
  std::string sweep_id;
  std::int64_t configuration_id = 0, baseline_id = 0;
  std::string metric;
  double difference = 0;
  std::optional<double> standard_error = {}, degrees = {}, low = {}, high = {};
  std::optional<double> p_value = {}, p_not_worse = {}, p_equivalent = {};
  std::optional<double> p_corrected = {}, p_not_worse_corrected = {}, p_equivalent_corrected = {};
  std::optional<double> detectable = {};
  std::int64_t documents = 0, seeds = 0, baseline_seeds = 0;
  std::string verdict = {};  // of the primary metric; empty: not judged yet, or another metric
  std::string reason = {};
  friend bool operator==(const Comparison&, const Comparison&) = default;
};

}  // namespace lorikeet::core
