// A trial's training, from where its checkpoint left off to its last step or its patience's end.
//
// Not thread-safe; all pointers are the caller's and outlive the call.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "common/status.h"
#include "sweeps/trial/trial.h"
#include "worker/protocol/events.h"
#include "worker/trainer/model/dropout.h"
#include "worker/trainer/train/checkpoint.h"
#include "worker/trainer/train/data.h"
#include "worker/trainer/train/step.h"

namespace lorikeet::trainer {

// What a running trial tells, and asks.
struct TrialHooks {
  std::function<void(const protocol::Event&)> send;
  // Whether to write a checkpoint and stop; asked between micro-batches and between batches.
  std::function<bool()> stop = [] { return false; };
};

struct TrainingInputs {
  const Trial* trial = nullptr;
  const TrialData* data = nullptr;
  const text::Tokenizer* tokenizer = nullptr;
  const T5* model = nullptr;
  const AdapterView* adapter = nullptr;  // null with `full`
  TensorMap parameters;                  // what is trained
  DropoutStream* dropout = nullptr;
  CheckpointFolder* checkpoint = nullptr;
  double checkpoint_seconds = 30;  // at least so often, and after every validation
  std::function<void(std::int64_t from_step, std::int64_t total_steps, std::int64_t micro_batch_size)>
      started;
  bool validate_first = false;  // a point of the curve at step 0: where a given adapter stands
  const TrialHooks* hooks = nullptr;
};

struct TrainingOutcome {
  TrainingState state;
  std::int64_t kept_step = 0;
  bool checkpointed = false;  // the state is in the checkpoint
  bool stopped = false;       // on request, or by a later attempt; the parameters are not the kept ones
};

// Leaves the kept weights (best or last) in `parameters`. OutOfRange where the loss diverged, naming the last
// checkpoint with a finite loss. A checkpoint that cannot be written is told as a warning and tried again at
// the next occasion; so are the best weights, which are kept in memory meanwhile.
StatusOr<TrainingOutcome> TrainTrial(const TrainingInputs& inputs);

// Tells of memory that ran out in `phase`, of work in batches of `batch` documents.
MemoryObserver TellMemory(const TrialHooks& hooks, const std::string& phase, std::int64_t step,
                          std::int64_t batch);

// epochs, or steps, as a number of optimizer steps for so many training documents.
std::int64_t TotalSteps(const TrainSettings& settings, std::int64_t documents);

}  // namespace lorikeet::trainer
