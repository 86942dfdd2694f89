#include "worker/trainer/kernels/fetched_panel.h"

#include "worker/trainer/kernels/panels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>

namespace lorikeet::trainer {
namespace {

constexpr int kMostRows = 4;
// So many of a panel's rows at a time: 12 KB, which stay in the first-level cache for all rows of x.
constexpr std::int64_t kStretch = 128;
constexpr std::int64_t kLine = 16;  // floats of a cache line

// y [kRows, kVectors vectors] = x · panel over `in` of the panel's rows, or added to y, while memory from
// `next` on is fetched, `step` floats a row.
template <int kRows, int kVectors>
__attribute__((target("avx2,fma"))) void MultiplyStretch(std::int64_t in, const float* x, std::int64_t ldx,
                                                         const float* panel, const float* next,
                                                         std::int64_t step, float* y, std::int64_t ldy,
                                                         bool add) {
  // Loops over rows and vectors are unrolled early, or the compiler keeps the sums in memory.
  __m256 sums[kRows][kVectors];
#pragma GCC unroll 4
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      sums[row][v] = add ? _mm256_loadu_ps(y + row * ldy + v * kFetchedVector) : _mm256_setzero_ps();
    }
  }
  for (std::int64_t i = 0; i < in; ++i) {
    __m256 of_panel[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) of_panel[v] = _mm256_loadu_ps(panel + v * kFetchedVector);
    _mm_prefetch(next, _MM_HINT_T0);
    panel += kVectors * kFetchedVector;
    next += step;
#pragma GCC unroll 4
    for (int row = 0; row < kRows; ++row) {
      const __m256 element = _mm256_broadcast_ss(x + row * ldx + i);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[row][v] = _mm256_fmadd_ps(element, of_panel[v], sums[row][v]);
    }
  }
#pragma GCC unroll 4
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) _mm256_storeu_ps(y + row * ldy + v * kFetchedVector, sums[row][v]);
  }
}

template <int kVectors>
void MultiplyPanel(std::int64_t rows, std::int64_t in, const float* x, std::int64_t ldx, const float* panel,
                   float* y, std::int64_t ldy, bool add) {
  constexpr std::int64_t kWidth = kVectors * kFetchedVector;
  constexpr auto* kOfRows = &MultiplyStretch<1, kVectors>;
  using OfRows = decltype(kOfRows);
  constexpr OfRows kKernels[] = {nullptr, kOfRows, &MultiplyStretch<2, kVectors>,
                                 &MultiplyStretch<3, kVectors>, &MultiplyStretch<kMostRows, kVectors>};
  const std::int64_t passes = (rows + kMostRows - 1) / kMostRows;
  // Each pass over a stretch fetches its share of the next one; a line a row is the most.
  const std::int64_t step = std::min(kLine, (kWidth + passes - 1) / passes);
  for (std::int64_t k = 0; k < in; k += kStretch) {
    const std::int64_t length = std::min(kStretch, in - k);
    const float* const stretch = panel + k * kWidth;
    for (std::int64_t pass = 0; pass < passes; ++pass) {
      const std::int64_t first = rows * pass / passes, count = rows * (pass + 1) / passes - first;
      kKernels[count](length, x + first * ldx + k, ldx, stretch, stretch + length * (kWidth + pass * step),
                      step, y + first * ldy, ldy, add || k > 0);
    }
  }
}

void MultiplyWhole(std::int64_t rows, std::int64_t in, const float* x, std::int64_t ldx, const float* panel,
                   std::int64_t width, float* y, std::int64_t ldy, bool add) {
  switch (width / kFetchedVector) {
    case 1:
      return MultiplyPanel<1>(rows, in, x, ldx, panel, y, ldy, add);
    case 2:
      return MultiplyPanel<2>(rows, in, x, ldx, panel, y, ldy, add);
    default:
      return MultiplyPanel<3>(rows, in, x, ldx, panel, y, ldy, add);
  }
}

}  // namespace

bool FetchesPanels() {
  static const bool fetches =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && !__builtin_cpu_supports("avx512f");
  return fetches;
}

void MultiplyFetched(std::int64_t rows, std::int64_t in, const float* x, std::int64_t ldx, const float* panel,
                     std::int64_t width, float* y, std::int64_t ldy, std::int64_t columns, bool add) {
  if (columns == width) return MultiplyWhole(rows, in, x, ldx, panel, width, y, ldy, add);
  Buffer<float> whole(rows * width);
  MultiplyWhole(rows, in, x, ldx, panel, width, whole.data(), width, /*add=*/false);
  for (std::int64_t row = 0; row < rows; ++row) {
    float* const to = y + row * ldy;
    for (std::int64_t i = 0; i < columns; ++i) to[i] = (add ? to[i] : 0.0f) + whole[row * width + i];
  }
}

}  // namespace lorikeet::trainer

#else

namespace lorikeet::trainer {

bool FetchesPanels() { return false; }
void MultiplyFetched(std::int64_t, std::int64_t, const float*, std::int64_t, const float*, std::int64_t,
                     float*, std::int64_t, std::int64_t, bool) {}

}  // namespace lorikeet::trainer

#endif
