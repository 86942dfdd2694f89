// A trial's dropout: one stream of sites a step, keyed by the trial's seed, so that a resumed trial draws the
// same masks as one that never stopped, whatever its micro-batches and its device.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "worker/trainer/kernels/dropout_mask.h"

namespace lorikeet::trainer {

// Not thread-safe.
class DropoutStream {
 public:
  // rate: the base's dropout_rate or what the trial overrides it with; rounded to 1 / 65536.
  DropoutStream(std::uint64_t trial_seed, double rate);
  // Before each micro-batch: `first_example` is its first example's number in the effective batch.
  void Rekey(std::int64_t step, std::int64_t first_example);
  // Zeroes elements with probability rate, scales the rest by 1 / (1 - rate). x [examples, …, columns].
  at::Tensor Apply(const at::Tensor& x) { return Apply(x, rate_); }
  at::Tensor Apply(const at::Tensor& x, double rate);
  // hidden + Apply(x), in one pass on CPUs. hidden is fp32; x [same shape] may be of another type.
  at::Tensor AddTo(const at::Tensor& hidden, const at::Tensor& x);
  // The next site's mask, for code that drops elements itself. Each call is a site of its own.
  DropoutMask NextMask() { return NextMask(rate_); }
  double rate() const { return rate_; }

  // Where the stream is within its step, to be gone back to: layers run again draw the same masks.
  std::int64_t site() const { return site_; }
  void set_site(std::int64_t site) { site_ = site; }

 private:
  DropoutMask NextMask(double rate);

  std::uint64_t seed_, step_key_ = 0;
  std::int64_t first_example_ = 0, site_ = 0;
  double rate_;
};

// x ∘ mask in x's type, with gradients: what Apply does, for a mask that is drawn already.
at::Tensor Dropped(const at::Tensor& x, const DropoutMask& mask);

// The mask of a tensor of `sizes` [examples, …, columns], as factors: plain tensor operations, on any device.
at::Tensor DropoutFactors(const DropoutMask& mask, at::IntArrayRef sizes, at::Device device);

}  // namespace lorikeet::trainer
