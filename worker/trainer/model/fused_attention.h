// Attention of many queries on the CPU in fp32 without keeping its weights: blocks of scores that stay in the
// cache, made again for the gradient (as in FlashAttention; Dao et al., 2022), with T5's bias, its gradient,
// and dropout.
#pragma once

#include <ATen/ATen.h>

#include "worker/trainer/model/row_kernels.h"

namespace lorikeet::trainer {

// dropout(softmax(query · keyᵀ + position + mask_bias)) · value, heads joined: [B, Q, H·K], with gradients
// for query, key, value and position. query [B, H, Q, K]; key, value [B, H, N, K]; position [1, H, Q, N] or
// undefined; mask_bias [B, 1, 1, N] or undefined: keys that it masks out at a document's end are skipped. All
// fp32 on the CPU.
at::Tensor FusedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                          const at::Tensor& position, const at::Tensor& mask_bias,
                          const DropoutMask& dropout);

}  // namespace lorikeet::trainer
