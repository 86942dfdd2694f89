// One trial, from its data to its result: what `sweep-trainer train` does.
//
// The trial's directory:
//   checkpoint/  see checkpoint.h; gone once the trial is done (but for what a later attempt has there)
//   kept/        the kept weights: a PEFT adapter, or a Hugging Face directory with `full`
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "common/status.h"
#include "sweeps/trial/trial.h"
#include "worker/files/folder_cache.h"
#include "worker/trainer/train/loop.h"

namespace lorikeet::trainer {

struct TrialRunOptions {
  Trial trial;
  std::string directory;
  std::string checkpoints;  // where checkpoints lie instead of directory/checkpoint; empty: there
  // The attempt's fencing token: see checkpoint.h. Unset: run by hand.
  std::optional<std::int64_t> token;
  at::Device device = at::kCPU;
  // Called when what is loaded has changed what the process takes beside tensors; may be empty.
  std::function<void()> measure_memory = {};
  // Whether the device computes bf16 at speed; without it a bf16 trial runs in fp32, and says so.
  bool fast_bf16 = true;
  bool documents = false;  // send a Document event for each scored document
  double checkpoint_seconds = 30;
  files::FolderCache cache;  // what trials of one host share (data_cache.h)
};

enum class TrialEnd { kDone, kStopped };

// Sends events as it goes, the Result or Stopped last. Not thread-safe. On an error nothing but the status
// says it; FailureKind names it.
StatusOr<TrialEnd> RunTrial(const TrialRunOptions& options, const TrialHooks& hooks);

// "bad_input", "diverged", "oom" or "crashed".
std::string FailureKind(const Status& status);

}  // namespace lorikeet::trainer
