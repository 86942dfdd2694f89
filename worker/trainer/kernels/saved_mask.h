// A dropout mask among what an autograd function keeps for its backward pass.
#pragma once

#include <torch/csrc/autograd/custom_function.h>

#include "worker/trainer/kernels/dropout_mask.h"

namespace lorikeet::trainer {

inline void SaveMask(torch::autograd::AutogradContext& context, const DropoutMask& mask) {
  context.saved_data["key"] = static_cast<std::int64_t>(mask.key);
  context.saved_data["first_example"] = mask.first_example;
  context.saved_data["threshold"] = static_cast<std::int64_t>(mask.threshold);
  context.saved_data["scale"] = static_cast<double>(mask.scale);
}

inline DropoutMask SavedMask(torch::autograd::AutogradContext& context) {
  DropoutMask mask;
  mask.key = static_cast<std::uint64_t>(context.saved_data["key"].toInt());
  mask.first_example = context.saved_data["first_example"].toInt();
  mask.threshold = static_cast<std::uint32_t>(context.saved_data["threshold"].toInt());
  mask.scale = static_cast<float>(context.saved_data["scale"].toDouble());
  return mask;
}

}  // namespace lorikeet::trainer
