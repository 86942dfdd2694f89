#include "worker/trainer/model/attention.h"

#include <limits>

namespace lorikeet::trainer {
namespace {

// Lowest, not −∞: a row with everything masked out stays finite, as in transformers.
constexpr float kMasked = std::numeric_limits<float>::lowest();

}  // namespace

at::Tensor Project(const Linear& linear, std::int64_t heads, const at::Tensor& x,
                   const ForwardContext& context) {
  const at::Tensor y = Apply(linear, x, context);  // [B, n, H·K]
  return y.view({y.size(0), y.size(1), heads, -1}).transpose(1, 2);
}

at::Tensor Attend(const Attention& attention, const at::Tensor& query, const at::Tensor& key,
                  const at::Tensor& value, const at::Tensor& bias, const ForwardContext& context) {
  at::Tensor scores = at::matmul(query, key.transpose(2, 3)).to(at::kFloat);  // [B, H, Q, N]
  if (bias.defined()) scores = scores + bias;
  const at::Tensor weights = Dropout(at::softmax(scores, -1).to(value.scalar_type()), context);
  const at::Tensor mixed = at::matmul(weights, value);                   // [B, H, Q, K]
  const at::Tensor joined = mixed.transpose(1, 2).flatten(/*start=*/2);  // [B, Q, H·K]
  return Apply(attention.o, joined, context);
}

at::Tensor MaskBias(const at::Tensor& mask) {
  if (mask.all().item<bool>()) return {};
  const at::Tensor bias = at::zeros(mask.sizes(), mask.options().dtype(at::kFloat));
  return bias.masked_fill_(mask.logical_not(), kMasked).unsqueeze(1).unsqueeze(1);
}

at::Tensor CausalBias(std::int64_t length, at::Device device) {
  const at::Tensor bias = at::full({length, length}, kMasked, at::TensorOptions(device).dtype(at::kFloat));
  return bias.triu_(1).unsqueeze(0).unsqueeze(0);
}

}  // namespace lorikeet::trainer
