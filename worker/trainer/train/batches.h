// From documents to padded batches. Pure functions; tensors belong to the caller.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "worker/trainer/model/t5.h"
#include "worker/trainer/train/data.h"

namespace lorikeet::trainer {

std::vector<const Example*> Pointers(const std::vector<Example>& examples);

// Padded with 0 to the longest source and the longest target: [B, S] and [B, T].
Batch MakeBatch(std::span<const Example* const> examples, at::Device device);

// Indices of `examples` from long to short, so that neighbours pad each other little and the batch that needs
// the most memory comes first; equal ones in document order.
std::vector<std::size_t> OrderByLength(std::span<const Example* const> examples);

// The effective batches of a trial: each epoch is a permutation of the documents from (seed, epoch); its last
// batch holds what is left. Constant after construction.
class BatchPlan {
 public:
  BatchPlan(std::int64_t documents, std::int64_t batch_size, std::uint64_t seed);
  std::int64_t steps_per_epoch() const { return steps_per_epoch_; }
  // Documents of optimizer step `step` (from 0, over all epochs). Remembers one epoch's order: not
  // thread-safe.
  std::vector<std::int64_t> DocumentsOf(std::int64_t step);

 private:
  std::int64_t documents_, batch_size_, steps_per_epoch_;
  std::uint64_t seed_;
  std::int64_t epoch_ = -1;
  std::vector<std::int64_t> order_;
};

}  // namespace lorikeet::trainer
