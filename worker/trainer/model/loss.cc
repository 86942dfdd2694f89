#include <c10/core/GradMode.h>

#include "worker/trainer/model/t5.h"

namespace lorikeet::trainer {

TokenLoss Loss(const T5& model, const Batch& batch, const ForwardContext& context) {
  const std::int64_t documents = batch.target.size(0);
  // Shifted right: the start token, then all but the last. What stands on padding is never looked at by what
  // is not.
  const at::Tensor start =
      at::full({documents, 1}, model.config().decoder_start_token_id, batch.target.options());
  const at::Tensor input = at::cat({start, batch.target.narrow(1, 0, batch.target.size(1) - 1)}, 1);
  const EncoderOutput encoder = model.Encode(batch.source, batch.source_mask, context);
  const at::Tensor hidden = model.Decode(input, encoder, context);  // [B, T, D]

  // Real target tokens only: the head's product is the largest of all, and padding is often half of it.
  const at::Tensor real =
      batch.real.defined() ? batch.real : batch.target_mask.flatten().nonzero().squeeze(1);  // [N]
  const at::Tensor labels = batch.target.flatten().index_select(0, real);                    // [N]
  const auto [sum, losses] = model.LossesOf(hidden, real, labels, context);

  TokenLoss loss;
  loss.sum = sum;
  loss.tokens = real.size(0);
  const at::Tensor document = real.floor_divide(batch.target.size(1));
  loss.per_document = at::zeros({documents}, losses.options()).index_add_(0, document, losses);
  return loss;
}

}  // namespace lorikeet::trainer
