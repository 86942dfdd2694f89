// Copies of one head's rows into the layouts that MicroGemm reads, and of its results back. Every copy pads
// with zeros, so that products need no remainders.
//
// T is float or at::BFloat16. A head's rows [n, width] may lie far apart; "packed" matrices are the
// right-hand operands of MicroGemm: plain for float, rows interleaved in pairs for bfloat16.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "worker/trainer/kernels/buffer.h"
#include "worker/trainer/kernels/vectorised.h"

namespace lorikeet::trainer {

template <typename T>
using BitsOf = std::conditional_t<std::is_same_v<std::remove_const_t<T>, float>, float, Bfloat16Bits>;
template <typename T>
BitsOf<T>* Bits(T* x) {
  return reinterpret_cast<BitsOf<T>*>(x);
}
template <typename T>
const BitsOf<T>* Bits(const T* x) {
  return reinterpret_cast<const BitsOf<T>*>(x);
}

inline std::int64_t RoundUp(std::int64_t n, std::int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

template <typename T>
struct Rows {
  T* data;
  std::int64_t stride;
  Rows From(std::int64_t row) const { return {data + row * stride, stride}; }
  T* operator[](std::int64_t row) const { return data + row * stride; }
};

// x [n, width] to [padded_n, padded_width].
template <typename T>
void CopyRows(Rows<const T> x, std::int64_t n, std::int64_t width, std::int64_t padded_n,
              std::int64_t padded_width, T* to) {
  for (std::int64_t row = 0; row < n; ++row) {
    std::copy_n(x[row], width, to + row * padded_width);
    std::fill_n(to + row * padded_width + width, padded_width - width, T(0));
  }
  std::fill_n(to + n * padded_width, (padded_n - n) * padded_width, T(0));
}

// x [n, width] to its transpose [padded_width, padded_n].
template <typename T>
void CopyColumns(Rows<const T> x, std::int64_t n, std::int64_t width, std::int64_t padded_n,
                 std::int64_t padded_width, T* to) {
  constexpr std::int64_t kTile = 16;  // so that neither side leaves the first-level cache
  for (std::int64_t first = 0; first < n; first += kTile) {
    const std::int64_t end = std::min(n, first + kTile);
    for (std::int64_t w = 0; w < width; ++w) {
      for (std::int64_t row = first; row < end; ++row) to[w * padded_n + row] = x[row][w];
    }
  }
  for (std::int64_t w = 0; w < width; ++w) std::fill_n(to + w * padded_n + n, padded_n - n, T(0));
  std::fill_n(to + width * padded_n, (padded_width - width) * padded_n, T(0));
}

// The transpose of x [n, width], packed: [padded_width, padded_n].
inline void PackColumns(Rows<const float> x, std::int64_t n, std::int64_t width, std::int64_t padded_n,
                        std::int64_t padded_width, float* to) {
  CopyColumns(x, n, width, padded_n, padded_width, to);
}
inline void PackColumns(Rows<const at::BFloat16> x, std::int64_t n, std::int64_t width, std::int64_t padded_n,
                        std::int64_t padded_width, at::BFloat16* to) {
  auto* const pairs = reinterpret_cast<std::uint32_t*>(to);  // [padded_width / 2, padded_n]
  for (std::int64_t row = 0; row < n; ++row) {
    const at::BFloat16* const from = x[row];
    for (std::int64_t w = 0; w < padded_width; w += 2) {
      const std::uint32_t first = w < width ? from[w].x : 0, second = w + 1 < width ? from[w + 1].x : 0;
      pairs[w / 2 * padded_n + row] = first | (second << 16);
    }
  }
  for (std::int64_t w = 0; w < padded_width / 2; ++w) std::fill_n(pairs + w * padded_n + n, padded_n - n, 0U);
}

// x [n, width], packed: [padded_n, padded_width].
inline void PackRows(Rows<const float> x, std::int64_t n, std::int64_t width, std::int64_t padded_n,
                     std::int64_t padded_width, float* to) {
  CopyRows(x, n, width, padded_n, padded_width, to);
}
inline void PackRows(Rows<const at::BFloat16> x, std::int64_t n, std::int64_t width, std::int64_t padded_n,
                     std::int64_t padded_width, at::BFloat16* to) {
  auto* const pairs = reinterpret_cast<std::uint32_t*>(to);  // [padded_n / 2, padded_width]
  for (std::int64_t row = 0; row < padded_n; row += 2) {
    std::uint32_t* const out = pairs + row / 2 * padded_width;
    const std::int64_t filled = row < n ? width : 0;
    if (row + 1 < n) {
      const at::BFloat16 *const first = x[row], *const second = x[row + 1];
      for (std::int64_t w = 0; w < filled; ++w) {
        out[w] = first[w].x | (static_cast<std::uint32_t>(second[w].x) << 16);
      }
    } else {
      for (std::int64_t w = 0; w < filled; ++w) out[w] = x[row][w].x;
    }
    std::fill_n(out + filled, padded_width - filled, 0U);
  }
}

// Of from [padded_width, stride], `n` columns as the rows of to [n, width], column q times scale[q] (null:
// 1).
template <typename T>
void StoreColumns(const float* from, std::int64_t stride, std::int64_t n, std::int64_t width,
                  const float* scale, Rows<T> to) {
  for (std::int64_t q = 0; q < n; ++q) {
    const float by = scale ? scale[q] : 1;
    auto* const out = Bits(to[q]);
    for (std::int64_t w = 0; w < width; ++w) Narrow(from[w * stride + q] * by, out[w]);
  }
}

// Of from [n, stride], `width` columns to to [padded_n, width]; what is past n is 0.
template <typename T>
void StoreRows(const float* from, std::int64_t stride, std::int64_t n, std::int64_t width,
               std::int64_t padded_n, Rows<T> to) {
  for (std::int64_t row = 0; row < n; ++row) {
    auto* const out = Bits(to[row]);
    for (std::int64_t w = 0; w < width; ++w) Narrow(from[row * stride + w], out[w]);
  }
  for (std::int64_t row = n; row < padded_n; ++row) std::fill_n(to[row], width, T(0));
}

// out[row] = a[row] · b[row]; 0 from n to padded_n.
template <typename T>
void RowProducts(Rows<const T> a, Rows<const T> b, std::int64_t n, std::int64_t width, std::int64_t padded_n,
                 float* out) {
  for (std::int64_t row = 0; row < n; ++row) {
    const auto *const x = Bits(a[row]), *const y = Bits(b[row]);
    float sum = 0;
    for (std::int64_t w = 0; w < width; ++w) sum += Widen(x[w]) * Widen(y[w]);
    out[row] = sum;
  }
  std::fill_n(out + n, padded_n - n, 0.0f);
}

// to[i] = Σ over the tables' element i.
inline void SumTables(const float* tables, std::int64_t stride, std::int64_t count, std::int64_t size,
                      float* to) {
  std::copy_n(tables, size, to);
  for (std::int64_t t = 1; t < count; ++t) {
    for (std::int64_t i = 0; i < size; ++i) to[i] += tables[t * stride + i];
  }
}

}  // namespace lorikeet::trainer
