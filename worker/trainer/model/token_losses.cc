#include "worker/trainer/model/token_losses.h"

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

// Logits that are held at a time: few enough to be read again from the cache that cores share, as many as
// keep the products large.
constexpr std::int64_t kBytesAtATime = 32 << 20;

struct Computed {
  at::Tensor losses;        // [N]
  at::Tensor hidden, head;  // the sum's gradients, or undefined
};

template <typename T>
void Rows(at::Tensor& logits, const std::int64_t* labels, float* losses, bool gradient) {
  const std::int64_t rows = logits.size(0), columns = logits.size(1);
  auto* const data = static_cast<T*>(logits.mutable_data_ptr());
  ParallelFor(0, rows, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      losses[row] = CrossEntropyRow(columns, labels[row], gradient, data + row * columns);
    }
  });
}

Computed Compute(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& labels,
                 at::ScalarType compute, bool hidden_trains, bool head_trains) {
  const std::int64_t count = hidden.size(0), vocabulary = head.size(0);
  const std::int64_t at_a_time = std::max<std::int64_t>(
      16, kBytesAtATime / (vocabulary * static_cast<std::int64_t>(c10::elementSize(compute))));
  const at::Tensor x = hidden.to(compute), weight = head.to(compute), label = labels.contiguous();
  Computed computed;
  computed.losses = at::empty({count}, hidden.options());
  if (hidden_trains) computed.hidden = at::empty({count, hidden.size(1)}, x.options());
  for (std::int64_t first = 0; first < count; first += at_a_time) {
    const std::int64_t rows = std::min(at_a_time, count - first);
    const at::Tensor some = x.narrow(0, first, rows);
    at::Tensor logits = at::linear(some, weight);
    const std::int64_t* const label_data = label.const_data_ptr<std::int64_t>() + first;
    float* const losses = computed.losses.mutable_data_ptr<float>() + first;
    const bool gradient = hidden_trains || head_trains;
    if (compute == at::kFloat) {
      Rows<float>(logits, label_data, losses, gradient);
    } else {
      Rows<Bfloat16Bits>(logits, label_data, losses, gradient);
    }
    if (hidden_trains) {
      at::Tensor out = computed.hidden.narrow(0, first, rows);
      at::mm_out(out, logits, weight);
    }
    if (head_trains) {
      const at::Tensor part = at::mm(logits.t(), some).to(at::kFloat);
      computed.head = computed.head.defined() ? computed.head.add_(part) : part;
    }
  }
  return computed;
}

class Function : public torch::autograd::Function<Function> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& hidden, const at::Tensor& head,
                               const at::Tensor& labels, at::ScalarType compute, bool hidden_trains,
                               bool head_trains) {
    Computed computed = Compute(hidden, head, labels, compute, hidden_trains, head_trains);
    context->save_for_backward({computed.hidden, computed.head});
    context->mark_non_differentiable({computed.losses});
    return {computed.losses.sum(at::kDouble).to(at::kFloat), computed.losses};
  }

  static variable_list backward(AutogradContext* context, const variable_list& outputs) {
    const variable_list saved = context->get_saved_variables();
    const auto scaled = [&](const at::Tensor& gradient) {
      return gradient.defined() ? gradient.to(at::kFloat) * outputs[0] : gradient;
    };
    return {scaled(saved[0]), scaled(saved[1]), {}, {}, {}, {}};
  }
};

}  // namespace

TokenLosses SumTokenLosses(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& labels,
                           at::ScalarType compute) {
  if (!hidden.is_cpu()) return SumTokenLosses(at::linear(hidden.to(compute), head.to(compute)), labels);
  const bool grad = c10::GradMode::is_enabled();
  const variable_list results = Function::apply(hidden, head, labels, compute, grad && hidden.requires_grad(),
                                                grad && head.requires_grad());
  return {results[0], results[1]};
}

TokenLosses SumTokenLosses(const at::Tensor& logits, const at::Tensor& labels) {
  const at::Tensor losses =
      at::cross_entropy_loss(logits.to(at::kFloat), labels, /*weight=*/{}, at::Reduction::None);
  return {losses.sum(), losses.detach()};
}

}  // namespace lorikeet::trainer
