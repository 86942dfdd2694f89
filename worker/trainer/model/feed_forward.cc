#include "worker/trainer/model/feed_forward.h"

namespace lorikeet::trainer {

at::Tensor Apply(const FeedForward& feed_forward, const at::Tensor& x, const ForwardContext& context) {
  const at::Tensor inner = Apply(feed_forward.wi, x, context);
  at::Tensor activated = feed_forward.gelu_new ? at::gelu(inner, "tanh") : at::relu(inner);
  if (feed_forward.wi_1.weight.defined()) activated = activated * Apply(feed_forward.wi_1, x, context);
  return Apply(feed_forward.wo, Dropout(activated, context), context);
}

}  // namespace lorikeet::trainer
