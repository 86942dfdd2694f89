// One optimizer step: the loss of an effective batch, its gradients, the update. Trials and pretraining share
// it.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "common/status.h"
#include "worker/trainer/model/dropout.h"
#include "worker/trainer/model/t5.h"
#include "worker/trainer/train/batches.h"
#include "worker/trainer/train/memory.h"
#include "worker/trainer/train/optimizer.h"

namespace lorikeet::trainer {

struct StepOutcome {
  double loss = 0;           // per real target token of the effective batch
  double gradient_norm = 0;  // before clipping
  std::int64_t tokens = 0;   // real source and target tokens
};

// Everything that stays the same from step to step; refers to the caller's objects. Not thread-safe.
struct Stepper {
  const T5* model = nullptr;
  const AdapterView* adapter = nullptr;
  DropoutStream* dropout = nullptr;
  Optimizer* optimizer = nullptr;
  std::vector<at::Tensor> parameters = {};  // the trained ones
  double gradient_clip = 0;
  std::int64_t micro_batch_size = 1;    // halved when memory runs out
  bool gradient_checkpointing = false;  // see worker/trainer/model/activation_checkpoint.h

  // Each may be empty. `stop` is asked between micro-batches. `before_update` is called once loss and
  // gradients are known to be finite, so that the parameters, still those of the step before, are good; its
  // error is Run's.
  std::function<bool()> stop = {};
  std::function<Status()> before_update = {};
  MemoryObserver memory_observer = {};

  // loss = Σ −log p over the real target tokens of `examples` / their number, whatever the micro-batches.
  // OutOfRange ("diverged") where the loss or a gradient is not finite, Cancelled where `stop` said yes: the
  // parameters are as before then.
  StatusOr<StepOutcome> Run(std::span<const Example* const> examples, std::int64_t step,
                            double learning_rate);
};

// Σ −log p over the real target tokens / their number, without dropout. `stop` (may be empty) is asked before
// every batch; nothing where it said yes. micro_batch_size is halved when memory runs out.
StatusOr<std::optional<double>> MeanLoss(const T5& model, const AdapterView* adapter,
                                         std::span<const Example* const> examples,
                                         std::int64_t& micro_batch_size,
                                         const std::function<bool()>& stop = {},
                                         const MemoryObserver& observer = {});

// OutOfRange, "diverged: WHAT is nan", unless the value is finite.
Status CheckFinite(double value, const std::string& what);
// Whether every value of the tensors is a number.
bool AllFinite(const TensorMap& tensors);
// Whether a status says that training diverged.
bool IsDivergence(const Status& status);

}  // namespace lorikeet::trainer
