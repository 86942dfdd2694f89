// T5's layer norm: scale only, no mean subtracted (root mean square norm; Zhang and Sennrich, 2019), in fp32.
#pragma once

#include <ATen/ATen.h>

namespace lorikeet::trainer {

struct LayerNorm {
  at::Tensor weight;  // [D] fp32
  double epsilon = 1e-6;
};

// x [..., D] fp32 to weight · x / √(mean(x²) + ε), [..., D]: computed in fp32, returned as `type`.
at::Tensor Apply(const LayerNorm& norm, const at::Tensor& x, at::ScalarType type = at::kFloat);

}  // namespace lorikeet::trainer
