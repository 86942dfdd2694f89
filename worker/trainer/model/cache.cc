#include "worker/trainer/model/cache.h"

#include <algorithm>

namespace lorikeet::trainer {
namespace {

// Capacities double from here on: a summary's keys are copied a few times, not at every step.
constexpr std::int64_t kFirstCapacity = 32;

}  // namespace

void AppendStep(const at::Tensor& x, std::int64_t heads, std::int64_t steps, at::Tensor& buffer) {
  const std::int64_t rows = x.size(0), width = x.size(1) / heads;
  if (!buffer.defined() || buffer.size(2) == steps) {
    at::Tensor grown = at::empty({rows, heads, std::max(2 * steps, kFirstCapacity), width}, x.options());
    if (steps > 0) grown.narrow(2, 0, steps).copy_(buffer);
    buffer = std::move(grown);
  }
  buffer.select(2, steps).copy_(x.view({rows, heads, width}));
}

void ReorderRows(DecoderCache& cache, const at::Tensor& rows) {
  for (DecoderCache::Layer& layer : cache.layers) {
    for (at::Tensor* const buffer : {&layer.self_key, &layer.self_value}) {
      if (!buffer->defined()) continue;
      std::vector<std::int64_t> shape = buffer->sizes().vec();
      shape[0] = rows.size(0);
      if (!cache.spare.defined() || cache.spare.sizes() != at::IntArrayRef(shape)) {
        cache.spare = at::empty(shape, buffer->options());
      }
      at::Tensor into = cache.spare.narrow(2, 0, cache.steps);
      at::index_select_out(into, buffer->narrow(2, 0, cache.steps), 0, rows);
      std::swap(cache.spare, *buffer);
    }
  }
}

}  // namespace lorikeet::trainer
