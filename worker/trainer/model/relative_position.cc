#include "worker/trainer/model/relative_position.h"

#include <algorithm>
#include <cmath>

#include "worker/trainer/model/attention.h"

namespace lorikeet::trainer {

at::Tensor Buckets(const at::Tensor& relative_position, std::int64_t buckets, std::int64_t max_distance,
                   bool bidirectional) {
  at::Tensor bucket = at::zeros_like(relative_position);
  at::Tensor distance;
  if (bidirectional) {
    buckets /= 2;
    bucket = relative_position.gt(0).to(at::kLong) * buckets;
    distance = relative_position.abs();
  } else {
    distance = relative_position.clamp_max(0).neg();
  }
  const std::int64_t exact = buckets / 2;
  // A double scalar beside a float tensor is rounded to float first, as in Python.
  const double log_span = std::log(static_cast<double>(max_distance) / static_cast<double>(exact));
  const at::Tensor logarithmic =
      (at::log(distance.to(at::kFloat) / exact) / log_span * (buckets - exact)).to(at::kLong) + exact;
  return bucket + at::where(distance < exact, distance, logarithmic.clamp_max(buckets - 1));
}

at::Tensor RelativeBias(const RelativePositions& positions, std::int64_t length) {
  // A bucket tells of key − query.
  const at::Tensor relative =
      at::arange(length - 1, -length, -1, positions.bias_weight.options().dtype(at::kLong));
  const at::Tensor buckets =
      Buckets(relative, positions.bias_weight.size(0), positions.max_distance, positions.bidirectional);
  const at::Tensor bias = at::embedding(positions.bias_weight, buckets).t();  // [heads, 2 length − 1]
  return positions.bidirectional ? bias.contiguous() : bias.masked_fill(relative.gt(0), kMasked);
}

at::Tensor BackwardBias(const RelativePositions& positions, std::int64_t length) {
  const at::Tensor relative = at::arange(1 - length, 1, positions.bias_weight.options().dtype(at::kLong));
  const at::Tensor buckets =
      Buckets(relative, positions.bias_weight.size(0), positions.max_distance, positions.bidirectional);
  return at::embedding(positions.bias_weight, buckets).t().contiguous();
}

void GrowBackwardBias(const RelativePositions& positions, std::int64_t length, at::Tensor& bias) {
  constexpr std::int64_t kAtLeast = 256;  // short summaries compute it once
  if (bias.defined() && bias.size(1) >= length) return;
  bias = BackwardBias(positions, std::max(2 * length, kAtLeast));
}

}  // namespace lorikeet::trainer
