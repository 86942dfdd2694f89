// What turns gradients into new parameters: AdamW as torch.optim.AdamW, Adafactor as transformers' Adafactor.
//
// An optimizer keeps references to the trainable tensors and reads their gradients. Not thread-safe.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/status.h"
#include "sweeps/trial/trial.h"

namespace lorikeet::trainer {

using TensorMap = std::map<std::string, at::Tensor>;

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // One update from the parameters' gradients; a parameter without a gradient stays as it is.
  virtual void Step(double learning_rate) = 0;
  // The moments, for a checkpoint: names are the parameters' with a suffix. They share storage with the
  // optimizer.
  virtual TensorMap State() const = 0;
  // State() has been filled in place from a checkpoint made after `steps` steps.
  void GoOnAfter(std::int64_t steps) { steps_ = steps; }
  // What Step will really use: `scheduled`, but Adafactor with relative_step goes its own way.
  virtual double EffectiveRate(double scheduled) const { return scheduled; }

 protected:
  std::int64_t steps_ = 0;
};

// `parameters`: fp32, requires_grad. Fails for an unknown name.
StatusOr<std::unique_ptr<Optimizer>> CreateOptimizer(const OptimizerSettings& settings,
                                                     const TensorMap& parameters);

std::unique_ptr<Optimizer> CreateAdamW(const OptimizerSettings& settings, const TensorMap& parameters);
std::unique_ptr<Optimizer> CreateAdafactor(const OptimizerSettings& settings, const TensorMap& parameters);

// Scales all gradients by limit / norm where their global L2 norm is above `limit` (0: never), as
// torch.nn.utils.clip_grad_norm_. Returns the norm before that: [] fp32 on the gradients' device.
at::Tensor ClipGradients(const std::vector<at::Tensor>& parameters, double limit);

}  // namespace lorikeet::trainer
