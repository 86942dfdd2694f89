// The matrix of products of a few rows, in panels: some columns each, one behind the other, so that a product
// reads it once and in order. Weights while decoding; a document's keys and values.
//
// T is float or at::BFloat16, what the products are in; sums are fp32. Thread-safe.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "worker/trainer/kernels/attention_packing.h"

namespace lorikeet::trainer {

// Whether products of floats are ours here: with AVX2 and no AVX-512 oneDNN's kernels wait for memory, and
// ours fetch one stretch of a panel while they multiply another. Elsewhere they are MicroGemm's.
bool FetchesPanels();

template <typename T>
class Panels {
 public:
  Panels() = default;
  // A matrix [in, columns]; in is a multiple of kKeyGroup. width: of a panel that MicroGemm multiplies.
  Panels(std::int64_t in, std::int64_t columns, std::int64_t width);

  std::int64_t count() const { return (columns_ + width_ - 1) / width_; }
  std::int64_t size() const { return in_ * padded_columns_; }  // elements of the packed matrix
  std::int64_t in() const { return in_; }
  std::int64_t width() const { return width_; }

  // Packs one panel of x's transpose, x [n, width] with n ≤ columns and width ≤ in; or of x itself, with n ≤
  // in and width ≤ columns. What x does not fill is 0.
  void PackTransposed(std::int64_t panel, Rows<const T> x, std::int64_t n, std::int64_t width,
                      T* packed) const;
  void Pack(std::int64_t panel, Rows<const T> x, std::int64_t n, std::int64_t width, T* packed) const;

  // y [rows, columns] = x [rows, in] · packed, or added to y: the columns of panels [begin, end). ldx and ldy
  // are the rows' distances. An element's sum does not depend on the other rows. A thread that calls it holds
  // a MicroGemmScope.
  void Multiply(std::int64_t begin, std::int64_t end, std::int64_t rows, const T* x, std::int64_t ldx,
                const T* packed, float* y, std::int64_t ldy, bool add) const;

 private:
  // A panel's columns that are the matrix's, and all of them.
  std::int64_t ColumnsOf(std::int64_t panel) const { return std::min(width_, columns_ - panel * width_); }
  // Of `filled` columns of the matrix, those in the panel.
  std::int64_t FilledOf(std::int64_t panel, std::int64_t filled) const {
    return std::clamp<std::int64_t>(filled - panel * width_, 0, ColumnsOf(panel));
  }
  std::int64_t PaddedColumnsOf(std::int64_t panel) const {
    return std::min(width_, padded_columns_ - panel * width_);
  }

  std::int64_t in_ = 0, columns_ = 0, width_ = 1, padded_columns_ = 0;
};

}  // namespace lorikeet::trainer
