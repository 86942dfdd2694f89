// An adapter that a trial starts from, in place of a fresh one.
#pragma once

#include <memory>

#include "common/status.h"
#include "worker/trainer/adapter/adapter.h"

namespace lorikeet::trainer {

// Reads StartAdapter(trial), which is not empty. Refuses an adapter of another method, and one whose rank,
// alpha, targets or tokens are not those that the trial says, by name and with both values. LoRA's dropout is
// the trial's: it is a matter of training, not of the weights.
StatusOr<std::unique_ptr<Adapter>> LoadGivenAdapter(const Trial& trial, const T5& model);

}  // namespace lorikeet::trainer
