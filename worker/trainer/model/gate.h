// The middle of T5's feed forward: dropout(activation(a) · b), in one pass.
#pragma once

#include <ATen/ATen.h>

#include "worker/trainer/kernels/dropout_mask.h"
#include "worker/trainer/kernels/row_kernels.h"

namespace lorikeet::trainer {

// a [B, n, d_ff], b the same or undefined (no gate), to [B, n, d_ff] in their type.
at::Tensor ApplyGate(Activation activation, const at::Tensor& a, const at::Tensor& b,
                     const DropoutMask& mask);

}  // namespace lorikeet::trainer
