// AdamW (Loshchilov and Hutter, 2019): decay decoupled from the gradient, no parameter excepted.
#include <ATen/ops/_fused_adamw.h>
#include <c10/core/GradMode.h>

#include "worker/trainer/train/optimizer.h"

namespace lorikeet::trainer {
namespace {

class AdamW : public Optimizer {
 public:
  AdamW(const OptimizerSettings& settings, const TensorMap& parameters) : settings_(settings) {
    for (const auto& [name, parameter] : parameters) {
      slots_.push_back(
          {name, parameter, at::zeros_like(parameter.detach()), at::zeros_like(parameter.detach())});
    }
  }

  void Step(double learning_rate) override {
    const at::NoGradGuard no_grad;
    ++steps_;
    std::vector<at::Tensor> parameters, gradients, firsts, seconds, counts;
    for (const Slot& slot : slots_) {
      if (!slot.parameter.grad().defined()) continue;
      parameters.push_back(slot.parameter);
      gradients.push_back(slot.parameter.grad());
      firsts.push_back(slot.first);
      seconds.push_back(slot.second);
      // The kernel reads the count that already includes this step.
      counts.push_back(at::full({}, static_cast<double>(steps_), slot.first.options()));
    }
    if (parameters.empty()) return;
    at::_fused_adamw_(parameters, gradients, firsts, seconds, /*max_exp_avg_sqs=*/{}, counts, learning_rate,
                      settings_.beta1, settings_.beta2, settings_.weight_decay, settings_.eps,
                      /*amsgrad=*/false,
                      /*maximize=*/false);
  }

  TensorMap State() const override {
    TensorMap state;
    for (const Slot& slot : slots_) {
      state[slot.name + ".exp_avg"] = slot.first;
      state[slot.name + ".exp_avg_sq"] = slot.second;
    }
    return state;
  }

 private:
  struct Slot {
    std::string name;
    at::Tensor parameter, first, second;
  };
  OptimizerSettings settings_;
  std::vector<Slot> slots_;
};

}  // namespace

std::unique_ptr<Optimizer> CreateAdamW(const OptimizerSettings& settings, const TensorMap& parameters) {
  return std::make_unique<AdamW>(settings, parameters);
}

}  // namespace lorikeet::trainer
