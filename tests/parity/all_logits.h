// Logits as transformers' forward gives them; for tests and for the probe, which has no test framework.
#pragma once

#include "worker/trainer/model/t5.h"

namespace lorikeet::trainer {

// [B, T, V] fp32 of a teacher-forced pass, whatever stands on padding included.
inline at::Tensor AllLogits(const T5& model, const Batch& batch, const ForwardContext& context = {}) {
  const at::NoGradGuard no_grad;
  const at::Tensor start =
      at::full({batch.target.size(0), 1}, model.config().decoder_start_token_id, at::kLong);
  const at::Tensor input = at::cat({start, batch.target.narrow(1, 0, batch.target.size(1) - 1)}, 1);
  const EncoderOutput encoder = model.Encode(batch.source, batch.source_mask, context);
  return model.Logits(model.Decode(input, encoder, context), context).to(at::kFloat);
}

}  // namespace lorikeet::trainer
