#include "worker/trainer/model/layer_norm.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "worker/trainer/kernels/parallel.h"
#include "worker/trainer/kernels/row_kernels.h"

namespace lorikeet::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows worth a thread; and rows whose gradients of the weight are summed together, in an order that threads
// do not change.
constexpr std::int64_t kRows = 64;

template <typename T>
void ForwardRows(const at::Tensor& x, const at::Tensor& weight, double epsilon, at::Tensor& y,
                 at::Tensor& inverse) {
  const std::int64_t width = x.size(-1), rows = x.numel() / width;
  const float *const from = x.const_data_ptr<float>(), *const scale = weight.const_data_ptr<float>();
  auto* const to = static_cast<T*>(y.mutable_data_ptr());
  float* const inverses = inverse.mutable_data_ptr<float>();
  ParallelFor(0, rows, kRows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      inverses[row] = NormRow(width, epsilon, from + row * width, scale, to + row * width);
    }
  });
}

// y as documented; inverse [rows] = 1 / √(mean(x²) + ε).
std::pair<at::Tensor, at::Tensor> Forward(const at::Tensor& x, const at::Tensor& weight, double epsilon,
                                          at::ScalarType type) {
  at::Tensor y = at::empty(x.sizes(), x.options().dtype(type));
  at::Tensor inverse = at::empty({x.numel() / x.size(-1)}, x.options());
  if (type == at::kFloat) {
    ForwardRows<float>(x, weight, epsilon, y, inverse);
  } else {
    ForwardRows<Bfloat16Bits>(x, weight, epsilon, y, inverse);
  }
  return {y, inverse};
}

// gx, and `partial` [chunks, D], the weight's gradient by chunks of rows, where it is defined.
template <typename T>
void BackwardRows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& inverse,
                  const at::Tensor& g, at::Tensor& gx, at::Tensor& partial) {
  const std::int64_t width = x.size(-1), rows = x.numel() / width, chunks = (rows + kRows - 1) / kRows;
  const float *const x_data = x.const_data_ptr<float>(), *const w_data = weight.const_data_ptr<float>();
  const float* const inverses = inverse.const_data_ptr<float>();
  const auto* const g_data = static_cast<const T*>(g.const_data_ptr());
  float* const gx_data = gx.mutable_data_ptr<float>();
  float* const partials = partial.defined() ? partial.mutable_data_ptr<float>() : nullptr;
  ParallelFor(0, chunks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t chunk = begin; chunk < end; ++chunk) {
      for (std::int64_t row = chunk * kRows; row < std::min(rows, (chunk + 1) * kRows); ++row) {
        const std::int64_t at = row * width;
        NormGradientRow(width, inverses[row], x_data + at, w_data, g_data + at, gx_data + at,
                        partials ? partials + chunk * width : nullptr);
      }
    }
  });
}

class Function : public torch::autograd::Function<Function> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            double epsilon, at::ScalarType type) {
    auto [y, inverse] = Forward(x, weight, epsilon, type);
    context->save_for_backward({x, weight, inverse});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& outputs) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const at::Tensor g = outputs[0].contiguous();
    const std::int64_t rows = x.numel() / x.size(-1);
    const bool trains = context->needs_input_grad(1);
    at::Tensor gx = at::empty(x.sizes(), x.options());
    at::Tensor partial =
        trains ? at::zeros({(rows + kRows - 1) / kRows, x.size(-1)}, x.options()) : at::Tensor();
    if (g.scalar_type() == at::kFloat) {
      BackwardRows<float>(x, weight, saved[2], g, gx, partial);
    } else {
      BackwardRows<Bfloat16Bits>(x, weight, saved[2], g, gx, partial);
    }
    return {gx, trains ? partial.sum(0) : at::Tensor(), {}, {}};
  }
};

}  // namespace

at::Tensor Apply(const LayerNorm& norm, const at::Tensor& x, at::ScalarType type) {
  if (x.is_cpu() && x.scalar_type() == at::kFloat) {
    const at::Tensor rows = x.contiguous();
    if (c10::GradMode::is_enabled()) return Function::apply(rows, norm.weight, norm.epsilon, type);
    return Forward(rows, norm.weight, norm.epsilon, type).first;
  }
  const at::Tensor variance = x.square().mean(-1, /*keepdim=*/true);
  return (norm.weight * (x * at::rsqrt(variance + norm.epsilon))).to(type);
}

}  // namespace lorikeet::trainer
