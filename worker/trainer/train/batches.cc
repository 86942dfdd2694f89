#include "worker/trainer/train/batches.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "worker/trainer/train/permutation.h"

namespace lorikeet::trainer {
namespace {

// [B, longest] int64 padded with 0, and its mask.
void Pad(std::span<const Example* const> examples, std::vector<text::TokenId> Example::*tokens,
         at::Device device, at::Tensor& ids, at::Tensor& mask) {
  std::size_t longest = 0;
  for (const Example* example : examples) longest = std::max(longest, (example->*tokens).size());
  const auto rows = static_cast<std::int64_t>(examples.size());
  ids = at::zeros({rows, static_cast<std::int64_t>(longest)}, at::kLong);
  mask = at::zeros({rows, static_cast<std::int64_t>(longest)}, at::kBool);
  auto* id = ids.data_ptr<std::int64_t>();
  auto* real = mask.data_ptr<bool>();
  for (const Example* example : examples) {
    const auto& row = example->*tokens;
    std::copy(row.begin(), row.end(), id);
    std::fill_n(real, row.size(), true);
    id += longest;
    real += longest;
  }
  if (!device.is_cpu()) {
    ids = ids.to(device, /*non_blocking=*/true);
    mask = mask.to(device, /*non_blocking=*/true);
  }
}

}  // namespace

std::vector<const Example*> Pointers(const std::vector<Example>& examples) {
  std::vector<const Example*> pointers;
  pointers.reserve(examples.size());
  for (const Example& example : examples) pointers.push_back(&example);
  return pointers;
}

Batch MakeBatch(std::span<const Example* const> examples, at::Device device) {
  Batch batch;
  Pad(examples, &Example::source, device, batch.source, batch.source_mask);
  Pad(examples, &Example::target, at::kCPU, batch.target, batch.target_mask);
  batch.real = batch.target_mask.flatten().nonzero().squeeze(1);
  if (!device.is_cpu()) {
    for (at::Tensor* const x : {&batch.target, &batch.target_mask, &batch.real}) {
      *x = x->to(device, /*non_blocking=*/true);
    }
  }
  return batch;
}

std::vector<std::size_t> OrderByLength(std::span<const Example* const> examples) {
  std::vector<std::size_t> order(examples.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(examples[a]->source.size(), examples[a]->target.size()) >
           std::pair(examples[b]->source.size(), examples[b]->target.size());
  });
  return order;
}

BatchPlan::BatchPlan(std::int64_t documents, std::int64_t batch_size, std::uint64_t seed)
    : documents_(documents),
      batch_size_(batch_size),
      steps_per_epoch_((documents + batch_size - 1) / batch_size),
      seed_(seed) {}

std::vector<std::int64_t> BatchPlan::DocumentsOf(std::int64_t step) {
  const std::int64_t epoch = step / steps_per_epoch_;
  if (epoch != epoch_) {
    order_ = Permutation(documents_, seed_, static_cast<std::uint64_t>(epoch));
    epoch_ = epoch;
  }
  const std::int64_t begin = step % steps_per_epoch_ * batch_size_;
  const std::int64_t end = std::min(begin + batch_size_, documents_);
  return {order_.begin() + begin, order_.begin() + end};
}

}  // namespace lorikeet::trainer
