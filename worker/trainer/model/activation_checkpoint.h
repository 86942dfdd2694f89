// Activation checkpointing (Chen et al., 2016): of a part of the network its inputs alone are kept, and the
// part is run again when its gradients are wanted. Memory for time: what is held is one part's activations at
// once.
//
// Loss and gradients are the same bits as without it: the second run draws the dropout masks of the first.
// Not thread-safe.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <vector>

#include "worker/trainer/model/t5.h"

namespace lorikeet::trainer {

// A part of the network: from tensors to one. Everything in it that may need a gradient is either one of the
// inputs (each defined) or a leaf that is trained. It may be called after RunPart has returned, until the
// gradients are computed, and must hold by value or outlive that.
using NetworkPart = std::function<at::Tensor(const std::vector<at::Tensor>&)>;

// part(inputs); with context.gradient_checkpointing, and where gradients are recorded, as above.
at::Tensor RunPart(const ForwardContext& context, const NetworkPart& part,
                   const std::vector<at::Tensor>& inputs);

}  // namespace lorikeet::trainer
