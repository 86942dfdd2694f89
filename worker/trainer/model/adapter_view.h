// What the model sees of an adapter: LoRA's update of a linear layer, or prompt tuning's rows.
#pragma once

#include <ATen/ATen.h>

#include <string>

#include "worker/trainer/model/dropout.h"

namespace lorikeet::trainer {

class AdapterView {
 public:
  virtual ~AdapterView() = default;

  // LoRA: what to add to the output of the linear layer `name` ("decoder.block.1.layer.0.SelfAttention.v",
  // "lm_head") for input x [..., in]; undefined tensor where the adapter does not touch that layer.
  virtual at::Tensor Delta(const std::string& name, const at::Tensor& x, DropoutStream* dropout) const = 0;
  // The same as matrices: y += scale · b a x, without dropout. Undefined tensors where Delta is undefined.
  struct LowRank {
    at::Tensor a, b;  // [rank, in], [out, rank] fp32
    double scale = 1;
  };
  virtual LowRank UpdateOf(const std::string& name) const = 0;
  // Prompt tuning: [P, D] to put before the source's embeddings; undefined for LoRA.
  virtual at::Tensor Prompt() const = 0;
};

}  // namespace lorikeet::trainer
