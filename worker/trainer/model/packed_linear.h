// Linear layers for few rows at a time, on the CPU without gradients: weights packed once into panels of
// output columns, so that a step reads each of them once, in order.
//
// T is float or at::BFloat16, what the products are in; sums and results are fp32.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "worker/trainer/kernels/panels.h"
#include "worker/trainer/model/linear.h"

namespace lorikeet::trainer {

template <typename T>
class PackedLinear {
 public:
  PackedLinear() = default;
  // The layers' outputs side by side, each with what `adapter` (may be null) adds to it: [out, in] each.
  PackedLinear(const std::vector<const Linear*>& layers, const AdapterView* adapter);

  // y [rows, out] = x [rows, in], or added to y. x's rows are padded with zeros to padded_in(); ldx and ldy
  // are the rows' distances.
  void Apply(std::int64_t rows, const T* x, std::int64_t ldx, float* y, std::int64_t ldy, bool add) const;

  std::int64_t out() const { return out_; }
  std::int64_t padded_in() const { return panels_.in(); }

 private:
  explicit PackedLinear(const at::Tensor& weight);
  void Pack(const std::vector<at::Tensor>& weights);

  // y += b(scale · a(x)), for the columns from `first` on.
  struct Update {
    std::vector<PackedLinear> matrices;  // a, b
    float scale;
    std::int64_t first;
  };
  std::int64_t out_ = 0;
  Panels<T> panels_;  // of the weights' transpose [padded_in, out]
  Buffer<T> packed_;
  std::vector<Update> updates_;
};

}  // namespace lorikeet::trainer
