// Products with a matrix in panels beside the same in LibTorch's doubles, at shapes that fill no panel.
#include "worker/trainer/kernels/panels.h"

#include <gtest/gtest.h>

#include "worker/trainer/kernels/attention_kernels.h"
#include "worker/trainer/kernels/micro_gemm.h"

namespace lorikeet::trainer {
namespace {

constexpr std::int64_t kMicroWidth = 64;

// Whether a product of floats is as near as their sums can be: terms may cancel, so their sizes are the
// measure.
bool IsClose(const at::Tensor& product, const at::Tensor& exact, const at::Tensor& sizes) {
  return ((product - exact).abs() <= 1e-6 * sizes).all().item<bool>();
}

template <typename T>
at::Tensor Typed(const at::Tensor& x) {
  return x.to(c10::CppTypeToScalarType<T>::value).contiguous();
}

// x [rows, in] · wᵀ, w [columns, in], plus `start` where it is defined; all columns in two calls.
template <typename T>
at::Tensor Multiply(const at::Tensor& x, const at::Tensor& w, const at::Tensor& start) {
  const std::int64_t rows = x.size(0), columns = w.size(0);
  const Panels<T> panels(RoundUp(w.size(1), kKeyGroup), columns, kMicroWidth);
  Buffer<T> packed(panels.size());
  const at::Tensor weights = Typed<T>(w);
  for (std::int64_t panel = 0; panel < panels.count(); ++panel) {
    panels.PackTransposed(panel, {weights.const_data_ptr<T>(), w.size(1)}, columns, w.size(1), packed.data());
  }
  const at::Tensor padded = Typed<T>(at::constant_pad_nd(x, {0, panels.in() - x.size(1)}));
  const at::Tensor y = start.defined() ? start.clone() : at::full({rows, columns}, 1e9f);
  const MicroGemmScope scope;
  const std::int64_t half = panels.count() / 2;
  for (const auto& [begin, end] : {std::pair(std::int64_t{0}, half), std::pair(half, panels.count())}) {
    panels.Multiply(begin, end, rows, padded.const_data_ptr<T>(), panels.in(), packed.data(),
                    y.mutable_data_ptr<float>(), columns, start.defined());
  }
  return y;
}

template <typename T>
void ExpectProducts() {
  at::manual_seed(1);
  for (const std::int64_t rows : {1, 2, 3, 4, 5, 7, 8, 9, 32}) {
    for (const std::int64_t in : {8, 32, 100, 300}) {
      for (const std::int64_t columns : {1, 8, 23, 24, 25, 49, 130}) {
        const at::Tensor x = at::randn({rows, in}), w = at::randn({columns, in}),
                         start = at::randn({rows, columns});
        const at::Tensor a = Typed<T>(x).to(at::kDouble), b = Typed<T>(w).to(at::kDouble).t();
        const at::Tensor exact = at::mm(a, b), sizes = at::mm(a.abs(), b.abs()) + start.abs();
        EXPECT_TRUE(IsClose(Multiply<T>(x, w, {}), exact, sizes)) << rows << " × " << in << " × " << columns;
        EXPECT_TRUE(IsClose(Multiply<T>(x, w, start), exact + start, sizes))
            << rows << " × " << in << " × " << columns << ", added";
      }
    }
  }
}

TEST(PanelsTest, ProductsOfFloats) { ExpectProducts<float>(); }

TEST(PanelsTest, ProductsOfBfloat16) {
  if (!HasBfloat16Products()) return ExpectProducts<float>();  // what is done in its place
  ExpectProducts<at::BFloat16>();
}

TEST(PanelsTest, ARowDoesNotDependOnTheOthers) {
  at::manual_seed(2);
  const at::Tensor x = at::randn({9, 300}), w = at::randn({70, 300});
  const at::Tensor together = Multiply<float>(x, w, {});
  for (std::int64_t row = 0; row < x.size(0); ++row) {
    const at::Tensor alone = Multiply<float>(x.narrow(0, row, 1), w, {})[0];
    // oneDNN's kernels promise no more than a sum of floats.
    EXPECT_TRUE(FetchesPanels() ? at::equal(together[row], alone)
                                : at::allclose(together[row], alone, 1e-4, 1e-4))
        << row;
  }
}

TEST(PanelsTest, WhatIsNotFilledIsZero) {
  const std::int64_t in = 64, columns = 64, n = 37, width = 41;
  const Panels<float> panels(in, columns, columns);
  const at::Tensor x = at::randn({n, width});
  Buffer<float> packed(panels.size());
  std::fill_n(packed.data(), packed.size(), 1e9f);
  const Rows<const float> rows{x.const_data_ptr<float>(), width};
  for (std::int64_t panel = 0; panel < panels.count(); ++panel)
    panels.Pack(panel, rows, n, width, packed.data());
  const at::Tensor ones = at::ones({1, in}), y = at::empty({1, columns});
  const MicroGemmScope scope;
  panels.Multiply(0, panels.count(), 1, ones.const_data_ptr<float>(), in, packed.data(),
                  y.mutable_data_ptr<float>(), columns, /*add=*/false);
  EXPECT_TRUE(
      at::allclose(y, at::constant_pad_nd(x.sum(0, /*keepdim=*/true), {0, columns - width}), 1e-5, 1e-5));
}

}  // namespace
}  // namespace lorikeet::trainer
