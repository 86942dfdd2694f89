// A trial tried out: a few of its steps, its validation and its generation, timed and weighed. Nothing of it
// is kept.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"
#include "sweeps/trial/trial.h"
#include "worker/files/folder_cache.h"

namespace lorikeet::trainer {

struct ProbedStep {
  double seconds = 0;
  double loss = 0;
  std::int64_t tokens = 0;  // real source and target tokens
};

// What is empty was not come to, or is nothing that the method does.
struct Probe {
  std::string precision;  // used; a device without bf16 computes in fp32
  double load_seconds = 0;
  std::int64_t train_documents = 0, validation_documents = 0, test_documents = 0;
  std::int64_t trainable_parameters = 0;
  std::int64_t total_steps = 0;       // of the whole trial
  std::int64_t micro_batch_size = 0;  // with which the steps below fit into memory
  std::optional<ProbedStep>
      longest_step;  // an effective batch of the longest documents: what needs most memory
  std::optional<ProbedStep> typical_step;  // of the trial's first batches, in the mean
  std::optional<double> loss_seconds;      // a document, validating
  std::optional<double> generate_seconds;  // a document, in batches of evaluate.batch_size
  std::int64_t generated_documents = 0, generated_tokens = 0;
  std::int64_t peak_memory_bytes = 0;  // of the process, or of the GPU
  std::vector<std::string> warnings;
};

struct ProbeOptions {
  at::Device device = at::kCPU;
  bool fast_bf16 = true;
  files::FolderCache cache;
  std::function<void()> measure_memory = {};                 // as TrialRunOptions'
  std::function<void(const std::string& phase)> phase = {};  // may be empty
};

// For every method but `lead`. On an error (those of RunTrial) `probe` holds what was seen before it.
Status ProbeTrial(const Trial& trial, const ProbeOptions& options, Probe& probe);

}  // namespace lorikeet::trainer
