// The head's product and the cross entropy, together: logits exist for some rows at a time, and are turned
// into their own gradient in place.
#pragma once

#include <ATen/ATen.h>

namespace lorikeet::trainer {

struct TokenLosses {
  at::Tensor sum;     // [] fp32, with gradients for hidden and head
  at::Tensor losses;  // [N] fp32, detached: −log softmax(hidden · headᵀ) at each label
};

// hidden [N, D] fp32, head [V, D], labels [N] int64; products in `compute`.
TokenLosses SumTokenLosses(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& labels,
                           at::ScalarType compute);
// Of logits [N, V] that are there already.
TokenLosses SumTokenLosses(const at::Tensor& logits, const at::Tensor& labels);

}  // namespace lorikeet::trainer
