// What T5 needs of a GPU beyond LibTorch: kernels of our own that draw dropout's masks as every other device
// does. A LibTorch without CUDA builds none.cc instead, and everything here is plain tensor operations then.
#pragma once

#include <ATen/ATen.h>

#include "worker/trainer/kernels/dropout_mask.h"

namespace lorikeet::trainer::cuda {

bool HasKernels();

// x ∘ mask as `type`, or hidden + x ∘ mask in fp32 where hidden is defined. x [examples, …, columns] as in
// dropout.h.
at::Tensor Drop(const DropoutMask& mask, const at::Tensor& x, const at::Tensor& hidden, at::ScalarType type);

// dropout(softmax(scores + relative + mask)) [B, H, Q, N] in the scores' type, with gradients for scores and
// relative; see fused_attention.h for relative and mask. Sums are fp32.
at::Tensor Softmax(const at::Tensor& scores, const at::Tensor& relative, const at::Tensor& mask,
                   const DropoutMask& dropout);

}  // namespace lorikeet::trainer::cuda
