#include "worker/trainer/kernels/cuda/functions.h"

#include <c10/core/GradMode.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <optional>

#include "worker/trainer/kernels/cuda/kernels.h"
#include "worker/trainer/kernels/saved_mask.h"

namespace lorikeet::trainer::cuda {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <typename T>
const T* Read(const at::Tensor& x) {
  return x.defined() ? static_cast<const T*>(x.const_data_ptr()) : nullptr;
}
template <typename T>
T* Write(at::Tensor& x) {
  return static_cast<T*>(x.mutable_data_ptr());
}

ScoreShape ShapeOf(const at::Tensor& scores) {
  return {scores.size(0), scores.size(1), scores.size(2), scores.size(3)};
}

template <typename T>
void ForwardWith(const DropoutMask& dropout, const at::Tensor& scores, const at::Tensor& relative,
                 const at::Tensor& mask, at::Tensor& weights, at::Tensor& dropped) {
  LaunchSoftmax<T>(dropout, ShapeOf(scores), Read<T>(scores), Read<float>(relative), Read<float>(mask),
                   Write<T>(weights), Write<T>(dropped), c10::cuda::getCurrentCUDAStream());
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

// The weights before and after dropout; the same tensor where there is none.
std::pair<at::Tensor, at::Tensor> Forward(const at::Tensor& scores, const at::Tensor& relative,
                                          const at::Tensor& mask, const DropoutMask& dropout) {
  const c10::cuda::CUDAGuard guard(scores.device());
  at::Tensor weights = at::empty(scores.sizes(), scores.options());
  at::Tensor dropped = dropout.threshold > 0 ? at::empty_like(weights) : weights;
  if (scores.scalar_type() == at::kFloat) {
    ForwardWith<float>(dropout, scores, relative, mask, weights, dropped);
  } else {
    ForwardWith<__nv_bfloat16>(dropout, scores, relative, mask, weights, dropped);
  }
  return {weights, dropped};
}

template <typename T>
void BackwardWith(const DropoutMask& dropout, const at::Tensor& weights, const at::Tensor& g,
                  at::Tensor& scores, at::Tensor& relative) {
  const cudaStream_t stream = c10::cuda::getCurrentCUDAStream();
  const ScoreShape shape = ShapeOf(weights);
  LaunchSoftmaxGradient<T>(dropout, shape, Read<T>(weights), Read<T>(g), Write<T>(scores), stream);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  if (!relative.defined()) return;
  LaunchRelativeGradient<T>(shape, Read<T>(scores), Write<float>(relative), stream);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

class Function : public torch::autograd::Function<Function> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& scores,
                            const std::optional<at::Tensor>& relative, const std::optional<at::Tensor>& mask,
                            const DropoutMask& dropout) {
    const auto [weights, dropped] =
        Forward(scores, relative.value_or(at::Tensor()), mask.value_or(at::Tensor()), dropout);
    context->save_for_backward({weights, relative.value_or(at::Tensor())});
    SaveMask(*context, dropout);
    return dropped;
  }

  static variable_list backward(AutogradContext* context, const variable_list& outputs) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor g = outputs[0].contiguous();
    const c10::cuda::CUDAGuard guard(g.device());
    at::Tensor scores = at::empty_like(g), relative;
    if (saved[1].defined() && context->needs_input_grad(1)) relative = at::empty_like(saved[1]);
    if (g.scalar_type() == at::kFloat) {
      BackwardWith<float>(SavedMask(*context), saved[0], g, scores, relative);
    } else {
      BackwardWith<__nv_bfloat16>(SavedMask(*context), saved[0], g, scores, relative);
    }
    return {scores, relative, {}, {}};
  }
};

template <typename From, typename To>
void DropWith(const DropoutMask& mask, const RowShape& shape, const at::Tensor& x, const at::Tensor& hidden,
              at::Tensor& y) {
  LaunchDrop<From, To>(mask, shape, Read<From>(x), Read<float>(hidden), Write<To>(y),
                       c10::cuda::getCurrentCUDAStream());
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace

bool HasKernels() { return true; }

at::Tensor Drop(const DropoutMask& mask, const at::Tensor& x, const at::Tensor& hidden, at::ScalarType type) {
  const c10::cuda::CUDAGuard guard(x.device());
  const at::Tensor from = x.contiguous(), base = hidden.defined() ? hidden.contiguous() : hidden;
  const bool narrow_from = x.scalar_type() == at::kBFloat16,
             narrow_to = !hidden.defined() && type == at::kBFloat16;
  at::Tensor y = at::empty(x.sizes(), x.options().dtype(narrow_to ? at::kBFloat16 : at::kFloat));
  if (x.numel() == 0) return y;
  const std::int64_t n = x.dim();
  RowShape shape{x.numel() / x.size(-1), 1, n > 2 ? x.size(n - 2) : 1, x.size(-1)};
  for (std::int64_t i = 1; i + 2 < n; ++i) shape.groups *= x.size(i);
  if (narrow_from) {
    narrow_to ? DropWith<__nv_bfloat16, __nv_bfloat16>(mask, shape, from, base, y)
              : DropWith<__nv_bfloat16, float>(mask, shape, from, base, y);
  } else {
    narrow_to ? DropWith<float, __nv_bfloat16>(mask, shape, from, base, y)
              : DropWith<float, float>(mask, shape, from, base, y);
  }
  return y;
}

at::Tensor Softmax(const at::Tensor& scores, const at::Tensor& relative, const at::Tensor& mask,
                   const DropoutMask& dropout) {
  const at::Tensor from = scores.contiguous();
  const at::Tensor table = relative.defined() ? relative.contiguous() : relative;
  const at::Tensor bias = mask.defined() ? mask.contiguous() : mask;
  if (!c10::GradMode::is_enabled()) return Forward(from, table, bias, dropout).second;
  const auto given = [](const at::Tensor& x) { return x.defined() ? std::optional(x) : std::nullopt; };
  return Function::apply(from, given(table), given(bias), dropout);
}

}  // namespace lorikeet::trainer::cuda
