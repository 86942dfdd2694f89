#include "worker/trainer/model/layer_norm.h"

namespace lorikeet::trainer {

at::Tensor Apply(const LayerNorm& norm, const at::Tensor& x) {
  const at::Tensor variance = x.square().mean(-1, /*keepdim=*/true);
  return norm.weight * (x * at::rsqrt(variance + norm.epsilon));
}

}  // namespace lorikeet::trainer
