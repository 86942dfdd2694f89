#include "worker/trainer/model/linear.h"

#include "worker/trainer/model/adapter_view.h"
#include "worker/trainer/model/dropout.h"

namespace lorikeet::trainer {

at::Tensor Apply(const Linear& linear, const at::Tensor& x, const ForwardContext& context) {
  at::Tensor y = at::linear(x, linear.weight.to(x.scalar_type()));
  if (!context.adapter) return y;
  const at::Tensor delta = context.adapter->Delta(linear.name, x, context.dropout);
  return delta.defined() ? y + delta : y;
}

at::Tensor Dropout(const at::Tensor& x, const ForwardContext& context) {
  return context.dropout ? context.dropout->Apply(x) : x;
}

}  // namespace lorikeet::trainer
