// Which elements dropout zeroes, as a function of their place alone: any number of threads, any cut into
// micro-batches and any device draws the same mask, and none is kept for the gradient.
//
// A mask belongs to one site of one step of one trial. Within it an element is known by its example's number
// in the effective batch, its row within the example, and its column. Two columns share one 32-bit draw.
#pragma once

#include <cstdint>

#include "worker/trainer/kernels/scatter.h"

namespace lorikeet::trainer {

struct DropoutMask {
  std::uint64_t key = 0;           // of trial, step and site
  std::int64_t first_example = 0;  // the number of the tensor's first example
  std::uint32_t threshold = 0;     // of 65536; 0: nothing is dropped
  float scale = 1;                 // 1 / (1 - threshold / 65536): expectations are kept exactly
};

// The draws of one row: an arithmetic progression of its own, scattered.
struct DropoutRow {
  std::uint32_t start = 0, stride = 1;
};

LORIKEET_EVERYWHERE DropoutRow RowOf(const DropoutMask& mask, std::int64_t example, std::int64_t row) {
  const std::uint64_t of_example =
      Scatter(mask.key + static_cast<std::uint64_t>(mask.first_example + example + 1) * kGolden);
  const std::uint64_t bits = Scatter(of_example + static_cast<std::uint64_t>(row + 1) * kGolden);
  DropoutRow drawn;
  drawn.start = static_cast<std::uint32_t>(bits);
  drawn.stride = static_cast<std::uint32_t>(bits >> 32) | 1U;
  return drawn;
}

// The number of the row at (i, j) of a tensor [examples, i, j, columns], whatever it is padded to.
LORIKEET_EVERYWHERE constexpr std::int64_t DropoutRowNumber(std::int64_t i, std::int64_t j) {
  return (i << 32) | j;
}

// Columns come in groups of 32: the first 16 take the lower halves of 16 draws, the last 16 the upper ones,
// so that both sixteens are whole vectors.
inline constexpr std::int64_t kDropoutGroup = 32, kDropoutHalf = 16;

LORIKEET_EVERYWHERE std::uint32_t Draw(const DropoutRow& row, std::uint32_t word) {
  return Scatter32(row.start + word * row.stride);
}
// What the element of `column` is multiplied by. The same for single elements; kernels go by groups.
LORIKEET_EVERYWHERE float DropoutFactor(const DropoutMask& mask, const DropoutRow& row, std::int64_t column) {
  const auto group = static_cast<std::uint32_t>(column / kDropoutGroup);
  const auto within = static_cast<std::uint32_t>(column % kDropoutGroup);
  const std::uint32_t draw = Draw(row, group * static_cast<std::uint32_t>(kDropoutHalf) + within % 16U);
  const std::uint32_t half = within < 16U ? (draw & 0xffffU) : (draw >> 16);
  return half < mask.threshold ? 0.0f : mask.scale;
}

}  // namespace lorikeet::trainer
