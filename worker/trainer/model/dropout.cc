#include "worker/trainer/model/dropout.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "worker/trainer/kernels/cuda/functions.h"
#include "worker/trainer/kernels/parallel.h"
#include "worker/trainer/kernels/row_kernels.h"
#include "worker/trainer/kernels/saved_mask.h"

namespace lorikeet::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rates are multiples of 1 / 65536, and what is kept is scaled by the rounded rate: expectations are exact.
constexpr std::uint32_t kRates = 65536;

// How a tensor is cut into examples, rows and columns: [examples, rows, columns] or [examples, i, j,
// columns]; fewer dimensions are examples of one row, or one row.
struct Cut {
  explicit Cut(at::IntArrayRef sizes) {
    const std::size_t n = sizes.size();
    columns = n > 0 ? sizes[n - 1] : 1;
    if (n > 1) examples = sizes[0];
    if (n > 2) rows = sizes[n - 2];
    for (std::size_t i = 1; i + 2 < n; ++i) groups *= sizes[i];
  }
  std::int64_t RowNumber(std::int64_t row_of_all) const {
    const std::int64_t within = row_of_all % (groups * rows);
    return DropoutRowNumber(within / rows, within % rows);
  }
  std::int64_t Example(std::int64_t row_of_all) const { return row_of_all / (groups * rows); }
  std::int64_t all_rows() const { return examples * groups * rows; }
  std::int64_t examples = 1, groups = 1, rows = 1, columns = 1;
};

template <typename From, typename To>
void Fill(const DropoutMask& mask, const at::Tensor& x, const float* hidden, at::Tensor& y) {
  const Cut cut(x.sizes());
  const auto* const from = static_cast<const From*>(x.const_data_ptr());
  auto* const to = static_cast<To*>(y.mutable_data_ptr());
  const std::int64_t grain = std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(cut.columns, 1));
  ParallelFor(0, cut.all_rows(), grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t at = row * cut.columns;
      DropRow(mask, RowOf(mask, cut.Example(row), cut.RowNumber(row)), cut.columns, from + at,
              hidden ? hidden + at : nullptr, to + at);
    }
  });
}

// x ∘ mask as `type`, or hidden + x ∘ mask where there is a hidden (then fp32).
at::Tensor Dropped(const DropoutMask& mask, const at::Tensor& x, const at::Tensor& hidden,
                   at::ScalarType type) {
  if (x.is_cuda() && cuda::HasKernels()) return cuda::Drop(mask, x, hidden, type);
  if (!x.is_cpu()) {
    const at::Tensor dropped = x * DropoutFactors(mask, x.sizes(), x.device());
    return hidden.defined() ? hidden + dropped : dropped.to(type);
  }
  const at::Tensor from = x.contiguous(), base = hidden.defined() ? hidden.contiguous() : hidden;
  at::Tensor y = at::empty(x.sizes(), x.options().dtype(type));
  if (x.numel() == 0) return y;
  const float* const added = base.defined() ? base.const_data_ptr<float>() : nullptr;
  const bool narrow_from = x.scalar_type() == at::kBFloat16, narrow_to = type == at::kBFloat16;
  if (narrow_from) {
    narrow_to ? Fill<Bfloat16Bits, Bfloat16Bits>(mask, from, added, y)
              : Fill<Bfloat16Bits, float>(mask, from, added, y);
  } else {
    narrow_to ? Fill<float, Bfloat16Bits>(mask, from, added, y) : Fill<float, float>(mask, from, added, y);
  }
  return y;
}

at::Tensor Forward(const at::Tensor& x, const std::optional<at::Tensor>& hidden, const DropoutMask& mask) {
  return hidden ? Dropped(mask, x, *hidden, at::kFloat) : Dropped(mask, x, {}, x.scalar_type());
}

// The mask is made again for the gradient, not kept.
class Function : public torch::autograd::Function<Function> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const std::optional<at::Tensor>& hidden, const DropoutMask& mask) {
    SaveMask(*context, mask);
    context->saved_data["type"] = x.scalar_type();
    context->saved_data["has_hidden"] = hidden.has_value();
    return Forward(x, hidden, mask);
  }

  static variable_list backward(AutogradContext* context, const variable_list& outputs) {
    auto& saved = context->saved_data;
    const DropoutMask mask = SavedMask(*context);
    const at::Tensor& g = outputs[0];
    at::Tensor gx;
    if (context->needs_input_grad(0)) gx = Dropped(mask, g, {}, saved["type"].toScalarType());
    // An input that was not there may get no gradient.
    return {gx, saved["has_hidden"].toBool() ? g : at::Tensor(), {}};
  }
};

at::Tensor Run(const at::Tensor& x, const std::optional<at::Tensor>& hidden, const DropoutMask& mask) {
  if (!c10::GradMode::is_enabled()) return Forward(x, hidden, mask);
  return Function::apply(x, hidden, mask);
}

// The lower `bits` of int64 values, shifted right as unsigned ones are.
at::Tensor Shifted(const at::Tensor& z, int by, int bits) {
  const std::int64_t mask = (std::int64_t{1} << (bits - by)) - 1;
  return z.bitwise_right_shift(by).bitwise_and(mask);
}

// Scatter and Scatter32 of scatter.h: int64 products wrap as unsigned ones do.
at::Tensor Scattered(at::Tensor z) {
  z = z.bitwise_xor(Shifted(z, 30, 64)) * static_cast<std::int64_t>(0xbf58476d1ce4e5b9);
  z = z.bitwise_xor(Shifted(z, 27, 64)) * static_cast<std::int64_t>(0x94d049bb133111eb);
  return z.bitwise_xor(Shifted(z, 31, 64));
}
at::Tensor Scattered32(at::Tensor z) {
  constexpr std::int64_t kLow = 0xffffffff;
  z = (z.bitwise_xor(Shifted(z, 16, 32)) * 0x7feb352dLL).bitwise_and(kLow);
  z = (z.bitwise_xor(Shifted(z, 15, 32)) * 0x846ca68bLL).bitwise_and(kLow);
  return z.bitwise_xor(Shifted(z, 16, 32));
}

}  // namespace

DropoutStream::DropoutStream(std::uint64_t trial_seed, double rate) : seed_(trial_seed), rate_(rate) {
  Rekey(0, 0);
}

void DropoutStream::Rekey(std::int64_t step, std::int64_t first_example) {
  step_key_ = Scatter(Scatter(seed_ + kGolden) ^ static_cast<std::uint64_t>(step));
  first_example_ = first_example;
  site_ = 0;
}

DropoutMask DropoutStream::NextMask(double rate) {
  DropoutMask mask;
  mask.threshold = static_cast<std::uint32_t>(std::lround(rate * kRates));
  if (mask.threshold == 0) return mask;
  mask.key = Scatter(step_key_ + static_cast<std::uint64_t>(++site_) * kGolden);
  mask.first_example = first_example_;
  mask.scale = static_cast<float>(1 / (1 - static_cast<double>(mask.threshold) / kRates));
  return mask;
}

at::Tensor DropoutStream::Apply(const at::Tensor& x, double rate) { return Dropped(x, NextMask(rate)); }

at::Tensor DropoutStream::AddTo(const at::Tensor& hidden, const at::Tensor& x) {
  const DropoutMask mask = NextMask(rate_);
  return mask.threshold > 0 ? Run(x, hidden, mask) : hidden + x;
}

at::Tensor Dropped(const at::Tensor& x, const DropoutMask& mask) {
  return mask.threshold > 0 ? Run(x, std::nullopt, mask) : x;
}

at::Tensor DropoutFactors(const DropoutMask& mask, at::IntArrayRef sizes, at::Device device) {
  const Cut cut(sizes);
  const auto counted = [&](std::int64_t n) {
    return at::arange(n, at::TensorOptions(device).dtype(at::kLong));
  };
  const auto golden = static_cast<std::int64_t>(kGolden);
  const at::Tensor of_example = Scattered((counted(cut.examples) + (mask.first_example + 1)) * golden +
                                          static_cast<std::int64_t>(mask.key));
  const at::Tensor number = counted(cut.groups).unsqueeze(1) * (std::int64_t{1} << 32) + counted(cut.rows);
  const at::Tensor bits =
      Scattered(of_example.unsqueeze(1) + (number.flatten() + 1).unsqueeze(0) * golden).unsqueeze(2);
  const at::Tensor start = bits.bitwise_and(0xffffffffLL), stride = Shifted(bits, 32, 64).bitwise_or(1);
  const at::Tensor column = counted(cut.columns);
  const at::Tensor word = column.floor_divide(kDropoutGroup) * kDropoutHalf + column.remainder(kDropoutHalf);
  const at::Tensor draw = Scattered32((start + word * stride).bitwise_and(0xffffffffLL));
  const at::Tensor upper = column.remainder(kDropoutGroup).ge(kDropoutHalf);
  const at::Tensor half = at::where(upper, Shifted(draw, 16, 32), draw.bitwise_and(0xffff));
  return half.ge(static_cast<std::int64_t>(mask.threshold)).to(at::kFloat).mul_(mask.scale).view(sizes);
}

}  // namespace lorikeet::trainer
