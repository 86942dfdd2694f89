#include "worker/trainer/model/gate.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <optional>

#include "worker/trainer/kernels/parallel.h"
#include "worker/trainer/kernels/saved_mask.h"
#include "worker/trainer/model/dropout.h"

namespace lorikeet::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// a's and b's rows may lie apart (they may be halves of one product's): columns do not.
struct Cut {
  explicit Cut(const at::Tensor& a)
      : width(a.size(-1)),
        rows(a.numel() / std::max<std::int64_t>(width, 1)),
        each(a.dim() > 2 ? a.size(-2) : 1) {}
  DropoutRow Row(const DropoutMask& mask, std::int64_t row) const {
    return RowOf(mask, row / each, DropoutRowNumber(0, row % each));
  }
  std::int64_t width, rows, each;  // each: rows of an example
};

at::Tensor Rowwise(const at::Tensor& x) {
  return x.stride(-1) == 1 && (x.dim() < 3 || x.stride(0) == x.size(1) * x.stride(1)) ? x : x.contiguous();
}

// Calls body(row) for every row, on all threads.
template <typename Body>
void ForEachRow(const Cut& cut, const Body& body) {
  ParallelFor(0, cut.rows, std::max<std::int64_t>(1, 8192 / std::max<std::int64_t>(cut.width, 1)),
              [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t row = begin; row < end; ++row) body(row);
              });
}

template <typename T>
Gate<T> RowOfGate(Activation activation, const at::Tensor& a, const at::Tensor& b, std::int64_t row) {
  const auto at = [row](const at::Tensor& x) {
    return static_cast<const T*>(x.const_data_ptr()) + row * x.stride(-2);
  };
  return {activation, at(a), b.defined() ? at(b) : nullptr};
}

template <typename T>
at::Tensor ForwardRows(Activation activation, const at::Tensor& a, const at::Tensor& b,
                       const DropoutMask& mask) {
  at::Tensor y = at::empty(a.sizes(), a.options());
  const Cut cut(a);
  auto* const to = static_cast<T*>(y.mutable_data_ptr());
  ForEachRow(cut, [&](std::int64_t row) {
    GateRow(mask, cut.Row(mask, row), cut.width, RowOfGate<T>(activation, a, b, row), to + row * cut.width);
  });
  return y;
}

template <typename T>
variable_list BackwardRows(Activation activation, const at::Tensor& a, const at::Tensor& b,
                           const DropoutMask& mask, const at::Tensor& g) {
  const Cut cut(a);
  at::Tensor ga = at::empty(a.sizes(), a.options()), gb = b.defined() ? at::empty_like(ga) : at::Tensor();
  const auto* const from = static_cast<const T*>(g.const_data_ptr());
  auto* const to_a = static_cast<T*>(ga.mutable_data_ptr());
  auto* const to_b = gb.defined() ? static_cast<T*>(gb.mutable_data_ptr()) : nullptr;
  ForEachRow(cut, [&](std::int64_t row) {
    const std::int64_t at = row * cut.width;
    GateGradientRow(mask, cut.Row(mask, row), cut.width, RowOfGate<T>(activation, a, b, row), from + at,
                    to_a + at, to_b ? to_b + at : nullptr);
  });
  return {ga, gb};
}

at::Tensor Forward(Activation activation, const at::Tensor& a, const at::Tensor& b, const DropoutMask& mask) {
  return a.scalar_type() == at::kFloat ? ForwardRows<float>(activation, a, b, mask)
                                       : ForwardRows<Bfloat16Bits>(activation, a, b, mask);
}

class Function : public torch::autograd::Function<Function> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& a, const std::optional<at::Tensor>& b,
                            Activation activation, const DropoutMask& mask) {
    context->save_for_backward({a, b.value_or(at::Tensor())});
    context->saved_data["activation"] = static_cast<std::int64_t>(activation);
    SaveMask(*context, mask);
    return Forward(activation, a, b.value_or(at::Tensor()), mask);
  }

  static variable_list backward(AutogradContext* context, const variable_list& outputs) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const DropoutMask mask = SavedMask(*context);
    const auto activation = static_cast<Activation>(context->saved_data["activation"].toInt());
    const variable_list saved = context->get_saved_variables();
    const at::Tensor g = outputs[0].contiguous();
    variable_list gradients = saved[0].scalar_type() == at::kFloat
                                  ? BackwardRows<float>(activation, saved[0], saved[1], mask, g)
                                  : BackwardRows<Bfloat16Bits>(activation, saved[0], saved[1], mask, g);
    gradients.resize(4);
    return gradients;
  }
};

// The same in tensor operations, on any device.
at::Tensor Plain(Activation activation, const at::Tensor& a, const at::Tensor& b, const DropoutMask& mask) {
  at::Tensor y = activation == Activation::kGeluNew ? at::gelu(a, "tanh") : at::relu(a);
  if (b.defined()) y = y * b;
  return Dropped(y, mask);
}

}  // namespace

at::Tensor ApplyGate(Activation activation, const at::Tensor& a, const at::Tensor& b,
                     const DropoutMask& mask) {
  if (!a.is_cpu()) return Plain(activation, a, b, mask);
  const at::Tensor first = Rowwise(a), second = b.defined() ? Rowwise(b) : b;
  if (!c10::GradMode::is_enabled()) return Forward(activation, first, second, mask);
  return Function::apply(first, second.defined() ? std::optional(second) : std::nullopt, activation, mask);
}

}  // namespace lorikeet::trainer
