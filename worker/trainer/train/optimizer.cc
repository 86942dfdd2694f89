#include "worker/trainer/train/optimizer.h"

#include <c10/core/GradMode.h>

namespace lorikeet::trainer {

StatusOr<std::unique_ptr<Optimizer>> CreateOptimizer(const OptimizerSettings& settings,
                                                     const TensorMap& parameters) {
  if (settings.name == "adamw") return CreateAdamW(settings, parameters);
  if (settings.name == "adafactor") return CreateAdafactor(settings, parameters);
  return InvalidArgument("train.optimizer: {}: adamw or adafactor would be right", settings.name);
}

at::Tensor ClipGradients(const std::vector<at::Tensor>& parameters, double limit) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& parameter : parameters) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  if (gradients.empty()) return at::zeros({});
  at::Tensor norm = at::stack(at::_foreach_norm(gradients, 2)).norm(2);
  // On the device, whatever the norm is: to ask first would be to wait.
  if (limit > 0) at::_foreach_mul_(gradients, (limit / (norm + 1e-6)).clamp_max_(1.0));
  return norm;
}

}  // namespace lorikeet::trainer
