// What a decoding on the CPU attends to, and how: its own past, and the document. One query a row.
//
// T is float or at::BFloat16, what the cross attention's products are in.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <span>
#include <vector>

#include "worker/trainer/kernels/panels.h"

namespace lorikeet::trainer {

// Where each row's past lies: rows go on from others, and keys stay where they were written, a step's rows
// behind those of the step before. Shared by all layers.
class Ancestry {
 public:
  // A step of `rows` rows is about to be written.
  void Begin(std::int64_t rows);
  void Select(std::span<const std::int64_t> rows);
  std::int64_t steps() const { return steps_; }      // the current one included
  std::int64_t written() const { return written_; }  // rows of all steps, the current one's included
  std::int64_t rows() const { return rows_; }
  // For each step, where the row's ancestor was written.
  const std::int64_t* PathOf(std::int64_t row) const {
    return paths_.data() + static_cast<std::size_t>(row * allocated_);
  }
  // Where the current step's `row` is.
  std::int64_t PlaceOf(std::int64_t row) const { return written_ - rows_ + row; }

 private:
  void Reallocate(std::int64_t rows, std::int64_t allocated);

  std::vector<std::int64_t> paths_;  // [rows, allocated_]
  std::int64_t steps_ = 0, rows_ = 0, written_ = 0, allocated_ = 0;
};

// One layer's self attention.
class SelfCache {
 public:
  // Puts the current step's keys and values [rows, heads · width] (rows `stride` apart) behind the former.
  void Append(const Ancestry& ancestry, const float* keys, const float* values, std::int64_t stride,
              std::int64_t joined);
  // out [rows, heads · width] = softmax(query · keysᵀ + position) · values. position [heads,
  // position_stride], whose last steps() columns count.
  template <typename T>
  void Attend(const Ancestry& ancestry, std::int64_t heads, const float* query, std::int64_t stride,
              const at::Tensor& position, T* out, std::int64_t out_stride) const;

 private:
  Buffer<float> keys_, values_;  // [written, joined]
  std::int64_t joined_ = 0;
};

// One layer's cross attention: the documents' keys and values, packed once.
template <typename T>
class CrossCache {
 public:
  // key, value [documents, heads, n, width]; keys_of: how many of a document's keys count.
  CrossCache(const at::Tensor& key, const at::Tensor& value, const std::vector<std::int64_t>& keys_of);
  // For row r of document documents[r / hypotheses]. mask [documents, n] fp32 is added to scores, or
  // undefined.
  void Attend(std::span<const std::int64_t> documents, std::int64_t hypotheses, const float* query,
              std::int64_t stride, const at::Tensor& mask, T* out, std::int64_t out_stride) const;

 private:
  std::int64_t heads_, width_, padded_width_;
  std::vector<std::int64_t> keys_of_;
  // Of a document: its keys transposed [padded width, padded keys], its values [padded keys, padded width].
  struct Document {
    Panels<T> key_panels, value_panels;
    Buffer<T> keys, values;  // [heads, …], packed
  };
  std::vector<Document> documents_;
};

}  // namespace lorikeet::trainer
