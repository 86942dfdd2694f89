#include "worker/trainer/model/attention.h"

#include "worker/trainer/kernels/cuda/functions.h"
#include "worker/trainer/kernels/fused_attention.h"
#include "worker/trainer/kernels/micro_gemm.h"
#include "worker/trainer/model/dropout.h"

namespace lorikeet::trainer {
namespace {

// scores [B, H, Q, N] fp32.
at::Tensor AddBias(at::Tensor scores, const ScoreBias& bias) {
  if (bias.relative.defined()) {
    // Windows of N columns: the one that starts at q holds query q's biases, its last key first.
    const at::Tensor windows = bias.relative.unfold(1, scores.size(3), 1);  // [H, Q, N]: [q][N − 1 − n]
    scores = scores + windows.flip(2).unsqueeze(0);
  }
  if (bias.mask.defined()) scores = scores + bias.mask.unsqueeze(1).unsqueeze(1);
  return scores;
}

// dropout(softmax(scores + bias)), in the scores' type.
at::Tensor Weights(const at::Tensor& scores, const ScoreBias& bias, const DropoutMask& mask) {
  if (scores.is_cuda() && cuda::HasKernels()) return cuda::Softmax(scores, bias.relative, bias.mask, mask);
  return Dropped(at::softmax(AddBias(scores.to(at::kFloat), bias), -1).to(scores.scalar_type()), mask);
}

at::Tensor FusedInAnyType(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                          const ScoreBias& bias, const DropoutMask& mask) {
  if (query.scalar_type() == at::kFloat || HasBfloat16Products()) {
    return FusedAttention(query, key, value, bias.relative, bias.mask, mask);
  }
  const auto widened = [](const at::Tensor& x) { return x.to(at::kFloat); };
  return FusedAttention(widened(query), widened(key), widened(value), bias.relative, bias.mask, mask)
      .to(query.scalar_type());
}

}  // namespace

at::Tensor Project(const Linear& linear, std::int64_t heads, const at::Tensor& x,
                   const ForwardContext& context) {
  const at::Tensor y = Apply(linear, x, context);  // [B, n, H·K]
  return y.view({y.size(0), y.size(1), heads, -1}).transpose(1, 2);
}

at::Tensor Attend(const Attention& attention, const at::Tensor& query, const at::Tensor& key,
                  const at::Tensor& value, const ScoreBias& bias, const ForwardContext& context) {
  const DropoutMask mask = context.dropout ? context.dropout->NextMask() : DropoutMask{};
  if (query.is_cpu()) return Apply(attention.o, FusedInAnyType(query, key, value, bias, mask), context);
  const at::Tensor weights = Weights(at::matmul(query, key.transpose(2, 3)), bias, mask);  // [B, H, Q, N]
  const at::Tensor mixed = at::matmul(weights, value);                                     // [B, H, Q, K]
  const at::Tensor joined = mixed.transpose(1, 2).flatten(/*start=*/2);                    // [B, Q, H·K]
  return Apply(attention.o, joined, context);
}

at::Tensor MaskBias(const at::Tensor& mask) {
  // Asking a GPU would be to wait for it.
  if (mask.is_cpu() && mask.all().item<bool>()) return {};
  const at::Tensor bias = at::zeros(mask.sizes(), mask.options().dtype(at::kFloat));
  return bias.masked_fill_(mask.logical_not(), kMasked);
}

}  // namespace lorikeet::trainer
