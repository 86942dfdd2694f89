// Attention of many queries on the CPU without keeping its weights: blocks of scores that stay in the cache,
// made again for the gradient (as in FlashAttention; Dao et al., 2022), with T5's relative bias, its
// gradient, and dropout. Products in fp32 or bf16; scores, softmax and sums in fp32.
#pragma once

#include <ATen/ATen.h>

#include "worker/trainer/kernels/dropout_mask.h"

namespace lorikeet::trainer {

// dropout(softmax(query · keyᵀ + relative + mask)) · value, heads joined: [B, Q, H·K], with gradients for
// query, key, value and relative. query [B, H, Q, K]; key, value [B, H, N, K]: any strides but 1 in the last;
// relative [H, N − 1 + Q] fp32, what is added at q − n = column − (N − 1), or undefined; mask [B, N] fp32,
// added to a document's keys, or undefined: keys that it masks out at a document's end are skipped. On the
// CPU; fp32, or bf16 where HasBfloat16Products().
at::Tensor FusedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                          const at::Tensor& relative, const at::Tensor& mask, const DropoutMask& dropout);

}  // namespace lorikeet::trainer
