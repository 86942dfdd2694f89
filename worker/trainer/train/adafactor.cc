// Adafactor (Shazeer and Stern, 2018) with the details of transformers' Adafactor: no first moment, no
// relative warm-up, updates clipped to a root mean square of 1.
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "worker/trainer/train/optimizer.h"

namespace lorikeet::trainer {
namespace {

constexpr double kSquareFloor = 1e-30, kScaleFloor = 1e-3;  // transformers' eps pair
constexpr double kDecayRate = -0.8, kClipThreshold = 1.0;

at::Tensor RootMeanSquare(const at::Tensor& x) {
  return x.norm(2) / std::sqrt(static_cast<double>(x.numel()));
}

class Adafactor : public Optimizer {
 public:
  Adafactor(const OptimizerSettings& settings, const TensorMap& parameters) : settings_(settings) {
    for (const auto& [name, parameter] : parameters) {
      Slot slot;
      slot.name = name;
      slot.parameter = parameter;
      const at::Tensor like = parameter.detach();
      if (like.dim() >= 2) {
        slot.row = at::zeros_like(like.select(-1, 0));
        slot.column = at::zeros_like(like.select(-2, 0));
      } else {
        slot.square = at::zeros_like(like);
      }
      slots_.push_back(std::move(slot));
    }
  }

  void Step(double learning_rate) override {
    const at::NoGradGuard no_grad;
    const double rate = RateAt(learning_rate, ++steps_);
    const double decay = 1 - std::pow(static_cast<double>(steps_), kDecayRate);
    for (const Slot& slot : slots_) {
      const at::Tensor& gradient = slot.parameter.grad();
      if (!gradient.defined()) continue;
      at::Tensor update = Direction(slot, gradient, decay);
      update.div_((RootMeanSquare(update) / kClipThreshold).clamp_min_(1.0));
      at::Tensor step = at::full({}, rate, update.options());
      if (settings_.scale_parameter) step = step * RootMeanSquare(slot.parameter).clamp_min_(kScaleFloor);
      update.mul_(step);
      if (settings_.weight_decay != 0) {
        slot.parameter.sub_(slot.parameter * (step * settings_.weight_decay));
      }
      slot.parameter.sub_(update);
    }
  }

  TensorMap State() const override {
    TensorMap state;
    for (const Slot& slot : slots_) {
      if (slot.square.defined()) {
        state[slot.name + ".exp_avg_sq"] = slot.square;
      } else {
        state[slot.name + ".exp_avg_sq_row"] = slot.row;
        state[slot.name + ".exp_avg_sq_col"] = slot.column;
      }
    }
    return state;
  }

  double EffectiveRate(double scheduled) const override { return RateAt(scheduled, steps_ + 1); }

 private:
  struct Slot {
    std::string name;
    at::Tensor parameter;
    at::Tensor row, column;  // means of squared gradients over the last axis, and over the one before
    at::Tensor square;       // of vectors, which are not factored
  };

  double RateAt(double scheduled, std::int64_t step) const {
    return settings_.relative_step ? std::min(1e-2, 1 / std::sqrt(static_cast<double>(step))) : scheduled;
  }

  // The gradient over the square root of its squares' moving average.
  static at::Tensor Direction(const Slot& slot, const at::Tensor& gradient, double decay) {
    const at::Tensor squares = gradient.square().add_(kSquareFloor);
    if (slot.square.defined()) {
      slot.square.mul_(decay).add_(squares, 1 - decay);
      return slot.square.rsqrt().mul_(gradient);
    }
    slot.row.mul_(decay).add_(squares.mean(-1), 1 - decay);
    slot.column.mul_(decay).add_(squares.mean(-2), 1 - decay);
    const at::Tensor row_factor = (slot.row / slot.row.mean(-1, /*keepdim=*/true)).rsqrt_().unsqueeze(-1);
    return (row_factor * slot.column.rsqrt().unsqueeze(-2)).mul_(gradient);
  }

  OptimizerSettings settings_;
  std::vector<Slot> slots_;
};

}  // namespace

std::unique_ptr<Optimizer> CreateAdafactor(const OptimizerSettings& settings, const TensorMap& parameters) {
  return std::make_unique<Adafactor>(settings, parameters);
}

}  // namespace lorikeet::trainer
