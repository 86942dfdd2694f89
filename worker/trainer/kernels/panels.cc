#include "worker/trainer/kernels/panels.h"

#include "worker/trainer/kernels/fetched_panel.h"
#include "worker/trainer/kernels/micro_gemm.h"

namespace lorikeet::trainer {
namespace {

template <typename T>
bool Fetches() {
  return std::is_same_v<T, float> && FetchesPanels();
}

}  // namespace

template <typename T>
Panels<T>::Panels(std::int64_t in, std::int64_t columns, std::int64_t width)
    : in_(in),
      columns_(columns),
      width_(Fetches<T>() ? kFetchedWidth : width),
      padded_columns_(RoundUp(columns, Fetches<T>() ? kFetchedVector : width)) {}

template <typename T>
void Panels<T>::PackTransposed(std::int64_t panel, Rows<const T> x, std::int64_t n, std::int64_t width,
                               T* packed) const {
  const std::int64_t first = panel * width_;
  PackColumns(x.From(std::min(first, n)), FilledOf(panel, n), width, PaddedColumnsOf(panel), in_,
              packed + first * in_);
}

template <typename T>
void Panels<T>::Pack(std::int64_t panel, Rows<const T> x, std::int64_t n, std::int64_t width,
                     T* packed) const {
  const std::int64_t first = panel * width_;
  PackRows(Rows<const T>{x.data + std::min(first, width), x.stride}, n, FilledOf(panel, width), in_,
           PaddedColumnsOf(panel), packed + first * in_);
}

template <typename T>
void Panels<T>::Multiply(std::int64_t begin, std::int64_t end, std::int64_t rows, const T* x,
                         std::int64_t ldx, const T* packed, float* y, std::int64_t ldy, bool add) const {
  for (std::int64_t panel = begin; panel < end; ++panel) {
    const T* const from = packed + panel * width_ * in_;
    float* const to = y + panel * width_;
    if constexpr (std::is_same_v<T, float>) {
      if (FetchesPanels()) {
        MultiplyFetched(rows, in_, x, ldx, from, PaddedColumnsOf(panel), to, ldy, ColumnsOf(panel), add);
        continue;
      }
    }
    MicroGemm(rows, ColumnsOf(panel), in_, x, ldx, from, PaddedColumnsOf(panel), to, ldy, add);
  }
}

template class Panels<float>;
template class Panels<at::BFloat16>;

}  // namespace lorikeet::trainer
