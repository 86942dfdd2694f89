// T5's feed forward: wo(act(wi(x))), or with v1.1's gate wo(act(wi_0(x)) · wi_1(x)) (Shazeer, 2020).
#pragma once

#include <ATen/ATen.h>

#include "worker/trainer/model/gate.h"
#include "worker/trainer/model/linear.h"

namespace lorikeet::trainer {

struct FeedForward {
  Linear wi;    // wi, or wi_0 where there is a gate: [d_ff, D]
  Linear wi_1;  // [d_ff, D]; no weight without a gate
  Linear wo;    // [D, d_ff]
  Activation activation = Activation::kRelu;
};

// x [..., D] in the products' type to [..., D].
at::Tensor Apply(const FeedForward& feed_forward, const at::Tensor& x, const ForwardContext& context);

}  // namespace lorikeet::trainer
