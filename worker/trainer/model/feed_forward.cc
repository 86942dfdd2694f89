#include "worker/trainer/model/feed_forward.h"

#include "worker/trainer/model/dropout.h"

namespace lorikeet::trainer {

at::Tensor Apply(const FeedForward& feed_forward, const at::Tensor& x, const ForwardContext& context) {
  const at::Tensor inner = Apply(feed_forward.wi, x, context);
  const at::Tensor gate =
      feed_forward.wi_1.weight.defined() ? Apply(feed_forward.wi_1, x, context) : at::Tensor();
  const DropoutMask mask = context.dropout ? context.dropout->NextMask() : DropoutMask{};
  return Apply(feed_forward.wo, ApplyGate(feed_forward.activation, inner, gate, mask), context);
}

}  // namespace lorikeet::trainer
