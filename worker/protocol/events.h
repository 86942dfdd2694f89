// Event lines: what sweep-trainer prints on standard output, one JSON object a line, and the worker reads.
//
// Every line carries "attempt" (the --attempt it was started with; empty when run by hand) and "event" (the
// kind). Sequence numbers are given by the worker as it spools, not by the trainer. Plain values; free of
// Torch and gRPC.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/status.h"

namespace lorikeet::protocol {

// The trainer runs on this device, with these settings, from this step (0, or where a checkpoint left off).
struct Started {
  std::string device;        // "cpu" or "cuda:0"
  std::string device_model;  // "AMD EPYC …", "NVIDIA H100 …"
  std::int64_t threads = 0;
  std::int64_t micro_batch_size = 0;
  std::int64_t from_step = 0;
  std::int64_t total_steps = 0;
  std::string build;
  std::string data_fingerprint = {}, model_fingerprint = {};  // as in Result
};

// Where the attempt is; for people. At most about one a second.
struct Progress {
  std::string phase;                 // loading, training, validating, generating
  std::int64_t step = 0, total = 0;  // optimizer steps, or documents while generating
  std::optional<double> loss;
  double tokens_per_second = 0;
  double eta_seconds = 0;
};

// One point of a learning curve: train_loss, learning_rate, gradient_norm, validation_loss,
// validation_rouge1...
struct Metric {
  std::int64_t step = 0;
  std::string name;
  double value = 0;
};

// A line for the trial's log: level is info, warning or error.
struct Log {
  std::string level;
  std::string message;
};

// A checkpoint is on disk; a new attempt on this host resumes from it.
struct CheckpointSaved {
  std::int64_t step = 0;
};

// Memory ran out, and the work goes on in smaller parts; the effective batch stays what it was.
struct OutOfMemory {
  std::string phase;                  // training, validating or generating
  std::int64_t step = 0;              // optimizer steps done
  std::int64_t micro_batch_size = 0;  // from now on: half of what it was
  std::int64_t parts = 0;             // micro-batches that a batch is computed in now
  std::string message;                // what ran out: how much was asked for, and of how much
};

// One scored document of a split ("validation" or "test"); sent only with --documents.
struct Document {
  std::string split, id, article, reference;
  std::int64_t position = 0;  // place in the split, from 0
};

// ROUGE F1 of one text pair, 0 to 1.
struct RougeF1 {
  double rouge1 = 0, rouge2 = 0, rougeL = 0, rougeLsum = 0;
};

struct Prediction {
  std::string split, id, summary;
  std::int64_t position = 0;
  std::int64_t tokens = 0;  // generated, without the closing </s>
  RougeF1 rouge;
};

// Means over a split's documents, with what was cut.
struct SplitScore {
  RougeF1 rouge;
  std::int64_t documents = 0;
  double sources_cut = 0;  // share of inputs longer than max_source_tokens
  double targets_cut = 0;  // share of references over max_target_tokens (cut for the loss, never for ROUGE)
  double outputs_cut = 0;  // share of summaries that reached max_new_tokens without </s>
};

// The last line of a trial that succeeded.
struct Result {
  SplitScore test, validation;
  std::optional<double> validation_loss, test_loss;  // of the kept weights
  std::int64_t kept_step = 0, last_step = 0;
  std::int64_t train_documents = 0;
  std::int64_t empty_documents = 0;  // an article or abstract without text: left out
  std::int64_t trainable_parameters = 0;
  double trainable_share = 0;  // trainable / (base + adapter)
  std::string device, device_model;
  std::int64_t threads = 0, micro_batch_size = 0;
  std::string precision;
  double train_seconds = 0, tokens_per_second = 0;  // real source + target tokens trained on a second
  std::int64_t peak_memory_bytes = 0;
  double latency_p50_seconds = 0, latency_p95_seconds = 0;  // of generating one batch of the test split
  double generated_tokens_per_second = 0;                   // over the whole test split
  std::int64_t adapter_bytes = 0;                   // of the kept adapter (the model directory with full)
  std::string data_fingerprint, model_fingerprint;  // hex SHA-256
  std::int64_t predictions = 0;                     // how many Prediction lines came before
};

// Stopped on request: state is in the checkpoint, the trial is not done.
struct Stopped {
  std::int64_t step = 0;
  bool checkpointed = false;
};

// The attempt failed. kind: bad_input, diverged, oom, crashed. bad_input and diverged are never retried.
struct Failed {
  std::string kind;
  std::string message;
};

using Event = std::variant<Started, Progress, Metric, Log, CheckpointSaved, OutOfMemory, Document, Prediction,
                           Result, Stopped, Failed>;

// A longer line is refused, by both ends.
inline constexpr std::size_t kLongestLine = std::size_t{16} << 20;

struct EventLine {
  std::string attempt;
  Event event;
};

// One line, without the newline. Doubles round-trip; what is not finite is written as "nan", "inf" or "-inf",
// an optional value that is unset as null, bytes that are not UTF-8 as U+FFFD.
std::string ToLine(const EventLine& line);

// Refuses anything that is not exactly what ToLine writes: unknown events, missing or extra keys, wrong
// types, over 16 MiB.
StatusOr<EventLine> EventFromLine(const std::string& line);

}  // namespace lorikeet::protocol
