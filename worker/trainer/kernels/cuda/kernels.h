// The kernels' launchers: raw device pointers, so that nvcc never reads LibTorch's headers. T is float or
// __nv_bfloat16. All run on `stream` and return at once.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "worker/trainer/kernels/dropout_mask.h"

namespace lorikeet::trainer::cuda {

// Rows [examples · groups · rows, columns]; row numbers as in dropout.h.
struct RowShape {
  std::int64_t all_rows, groups, rows, columns;
};

// y = x ∘ mask, or hidden + x ∘ mask where hidden is not null.
template <typename From, typename To>
void LaunchDrop(const DropoutMask& mask, const RowShape& shape, const From* x, const float* hidden, To* y,
                cudaStream_t stream);

// Attention's weights; B documents, H heads, Q queries, N keys.
struct ScoreShape {
  std::int64_t documents, heads, queries, keys;
};
// weights = softmax(scores + relative[head][q − n + N − 1] + mask[document][n]), and dropped = dropout of
// them; all [B, H, Q, N]. relative and mask may be null. dropped may be weights where there is no dropout.
template <typename T>
void LaunchSoftmax(const DropoutMask& dropout, const ScoreShape& shape, const T* scores,
                   const float* relative, const float* mask, T* weights, T* dropped, cudaStream_t stream);
// The scores' gradients from those of dropped.
template <typename T>
void LaunchSoftmaxGradient(const DropoutMask& dropout, const ScoreShape& shape, const T* weights,
                           const T* gradient, T* score_gradient, cudaStream_t stream);
// relative_gradient [H, N − 1 + Q] fp32 = Σ of score_gradient over documents, along diagonals, always in one
// order.
template <typename T>
void LaunchRelativeGradient(const ScoreShape& shape, const T* score_gradient, float* relative_gradient,
                            cudaStream_t stream);

}  // namespace lorikeet::trainer::cuda
