// Dropout masks from a seed: one stream a trial, re-keyed for every micro-batch, so that a resumed trial
// draws the same masks as one that never stopped.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/Generator.h>

#include <cstdint>

#include "worker/trainer/model/row_kernels.h"

namespace lorikeet::trainer {

// Not thread-safe.
class DropoutStream {
 public:
  // rate: the base's dropout_rate or what the trial overrides it with.
  DropoutStream(std::uint64_t trial_seed, double rate, at::Device device);
  // Before each micro-batch: `first_document` is its first document's number in the effective batch.
  void Rekey(std::int64_t step, std::int64_t first_document);
  // Zeroes elements with probability rate, scales the rest by 1 / (1 - rate). On CPUs the masks do not depend
  // on the number of threads; the rate is rounded to 1 / 65536 there.
  at::Tensor Apply(const at::Tensor& x) { return Apply(x, rate_); }
  at::Tensor Apply(const at::Tensor& x, double rate);
  // hidden + Apply(x), in one pass on CPUs. hidden is fp32; x [same shape] may be of another type.
  at::Tensor AddTo(const at::Tensor& hidden, const at::Tensor& x);
  // On CPUs: the next tensor's mask at rate(), for code that drops elements itself.
  DropoutMask NextMask() { return NextMask(rate_); }
  double rate() const { return rate_; }

  // Where the stream stands, and a way back there: a forward pass that is run again draws the same masks.
  struct Position {
    std::uint64_t key = 0;
    std::uint64_t seed = 0, offset = 0;  // of the accelerator's generator
  };
  Position position() const;
  void Seek(const Position& position);

 private:
  DropoutMask NextMask(double rate);

  std::uint64_t seed_, key_ = 0;
  double rate_;
  at::Generator generator_;  // on accelerators only; masks on CPUs come from key_ and the element's number
};

}  // namespace lorikeet::trainer
