#include "worker/trainer/model/layer_norm.h"

#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "worker/trainer/model/row_kernels.h"

namespace lorikeet::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows worth a thread; and rows whose gradients of the weight are summed together, in an order that threads
// do not change.
constexpr std::int64_t kRows = 64;

// y as documented; inverse [rows] = 1 / √(mean(x²) + ε).
std::pair<at::Tensor, at::Tensor> Forward(const at::Tensor& x, const at::Tensor& weight, double epsilon) {
  const std::int64_t width = x.size(-1), rows = x.numel() / width;
  at::Tensor y = at::empty(x.sizes(), x.options()), inverse = at::empty({rows}, x.options());
  const float *const from = x.const_data_ptr<float>(), *const scale = weight.const_data_ptr<float>();
  float *const to = y.mutable_data_ptr<float>(), *const inverses = inverse.mutable_data_ptr<float>();
  at::parallel_for(0, rows, kRows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      inverses[row] = NormRow(width, epsilon, from + row * width, scale, to + row * width);
    }
  });
  return {y, inverse};
}

class Function : public torch::autograd::Function<Function> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            double epsilon) {
    auto [y, inverse] = Forward(x, weight, epsilon);
    context->save_for_backward({x, weight, inverse});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& outputs) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const at::Tensor g = outputs[0].contiguous();
    const std::int64_t width = x.size(-1), rows = x.numel() / width, chunks = (rows + kRows - 1) / kRows;
    const bool trains = context->needs_input_grad(1);
    at::Tensor gx = at::empty(x.sizes(), x.options());
    at::Tensor partial = trains ? at::zeros({chunks, width}, x.options()) : at::Tensor();
    const float *const x_data = x.const_data_ptr<float>(), *const w_data = weight.const_data_ptr<float>();
    const float *const g_data = g.const_data_ptr<float>(), *const inverses = saved[2].const_data_ptr<float>();
    float* const gx_data = gx.mutable_data_ptr<float>();
    float* const partials = trains ? partial.mutable_data_ptr<float>() : nullptr;
    at::parallel_for(0, chunks, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t chunk = begin; chunk < end; ++chunk) {
        for (std::int64_t row = chunk * kRows; row < std::min(rows, (chunk + 1) * kRows); ++row) {
          const std::int64_t at = row * width;
          NormGradientRow(width, inverses[row], x_data + at, w_data, g_data + at, gx_data + at,
                          trains ? partials + chunk * width : nullptr);
        }
      }
    });
    return {gx, trains ? partial.sum(0) : at::Tensor(), {}};
  }
};

}  // namespace

at::Tensor Apply(const LayerNorm& norm, const at::Tensor& x) {
  if (x.is_cpu() && x.scalar_type() == at::kFloat) {
    const at::Tensor rows = x.contiguous();
    if (c10::GradMode::is_enabled()) return Function::apply(rows, norm.weight, norm.epsilon);
    return Forward(rows, norm.weight, norm.epsilon).first;
  }
  const at::Tensor variance = x.square().mean(-1, /*keepdim=*/true);
  return norm.weight * (x * at::rsqrt(variance + norm.epsilon));
}

}  // namespace lorikeet::trainer
