// y = x Wᵀ, plus what the trial's adapter adds to it: every matrix product of T5 but the head.
#pragma once

#include <ATen/ATen.h>

#include <string>

#include "worker/trainer/model/t5.h"

namespace lorikeet::trainer {

struct Linear {
  std::string name;   // "encoder.block.0.layer.0.SelfAttention.q": what adapters know it by
  at::Tensor weight;  // [out, in]; fp32 where trained, else in the products' type
};

// x [..., in] to [..., out], in x's type: the caller has cast x to the products' type.
at::Tensor Apply(const Linear& linear, const at::Tensor& x, const ForwardContext& context);

// The trial's dropout, where there is one.
at::Tensor Dropout(const at::Tensor& x, const ForwardContext& context);

}  // namespace lorikeet::trainer
