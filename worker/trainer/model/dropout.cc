#include "worker/trainer/model/dropout.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace lorikeet::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;
// Rates are multiples of 1 / 65536, and what is kept is scaled by the rounded rate: expectations are exact.
constexpr std::uint32_t kRates = 65536;

// SplitMix64's output function (Steele, Lea and Flood, 2014): a bijection that scatters neighbouring inputs.
std::uint64_t Scatter(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// y = x ∘ mask, or y += x ∘ mask; both contiguous fp32. Rows are the last dimension.
void Fill(const DropoutMask& mask, const at::Tensor& x, at::Tensor& y, bool add) {
  if (x.numel() == 0) return;
  const std::int64_t width = x.dim() > 0 ? x.size(-1) : 1, rows = x.numel() / width;
  const float* const from = x.const_data_ptr<float>();
  float* const to = y.mutable_data_ptr<float>();
  at::parallel_for(
      0, rows, std::max<std::int64_t>(1, 16384 / width), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
          DropRow(mask, static_cast<std::uint64_t>(row), width, from + row * width, to + row * width, add);
        }
      });
}

at::Tensor Dropped(const DropoutMask& mask, const at::Tensor& x) {
  const at::Tensor from = x.to(at::kFloat).contiguous();
  at::Tensor y = at::empty(from.sizes(), from.options());
  Fill(mask, from, y, /*add=*/false);
  return y.to(x.scalar_type());
}

// x ∘ mask, or hidden + x ∘ mask where there is a hidden.
at::Tensor Forward(const at::Tensor& x, const std::optional<at::Tensor>& hidden, const DropoutMask& mask) {
  if (!hidden) return Dropped(mask, x);
  at::Tensor y = hidden->clone(at::MemoryFormat::Contiguous);
  Fill(mask, x.to(at::kFloat).contiguous(), y, /*add=*/true);
  return y;
}

// The mask is made again for the gradient, not kept.
class Function : public torch::autograd::Function<Function> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const std::optional<at::Tensor>& hidden, std::int64_t key, std::int64_t threshold,
                            double scale) {
    context->saved_data["key"] = key;
    context->saved_data["threshold"] = threshold;
    context->saved_data["scale"] = scale;
    context->saved_data["type"] = x.scalar_type();
    context->saved_data["has_hidden"] = hidden.has_value();
    return Forward(x, hidden, Mask(key, threshold, scale));
  }

  static variable_list backward(AutogradContext* context, const variable_list& outputs) {
    const DropoutMask mask =
        Mask(context->saved_data["key"].toInt(), context->saved_data["threshold"].toInt(),
             context->saved_data["scale"].toDouble());
    const at::Tensor& g = outputs[0];
    at::Tensor gx;
    if (context->needs_input_grad(0)) gx = Dropped(mask, g).to(context->saved_data["type"].toScalarType());
    // An input that was not there may get no gradient.
    return {gx, context->saved_data["has_hidden"].toBool() ? g : at::Tensor(), {}, {}, {}};
  }

 private:
  static DropoutMask Mask(std::int64_t key, std::int64_t threshold, double scale) {
    return {static_cast<std::uint64_t>(key), static_cast<std::uint32_t>(threshold),
            static_cast<float>(scale)};
  }
};

at::Tensor Run(const at::Tensor& x, const std::optional<at::Tensor>& hidden, const DropoutMask& mask) {
  if (!c10::GradMode::is_enabled()) return Forward(x, hidden, mask);
  return Function::apply(x, hidden, static_cast<std::int64_t>(mask.key),
                         static_cast<std::int64_t>(mask.threshold), static_cast<double>(mask.scale));
}

}  // namespace

DropoutStream::DropoutStream(std::uint64_t trial_seed, double rate, at::Device device)
    : seed_(trial_seed), rate_(rate) {
  if (!device.is_cpu()) {
    generator_ =
        at::globalContext().getAcceleratorHooksInterface(device.type()).getNewGenerator(device.index());
  }
  Rekey(0, 0);
}

void DropoutStream::Rekey(std::int64_t step, std::int64_t first_document) {
  key_ = Scatter(seed_ + kGolden);
  key_ = Scatter(key_ ^ static_cast<std::uint64_t>(step)) + kGolden;
  key_ = Scatter(key_ ^ static_cast<std::uint64_t>(first_document));
  if (generator_.defined()) generator_.set_current_seed(key_);
}

DropoutStream::Position DropoutStream::position() const {
  Position position{.key = key_};
  if (generator_.defined()) {
    position.seed = generator_.current_seed();
    position.offset = generator_.get_offset();
  }
  return position;
}

void DropoutStream::Seek(const Position& position) {
  key_ = position.key;
  if (!generator_.defined()) return;
  generator_.set_current_seed(position.seed);
  generator_.set_offset(position.offset);
}

DropoutMask DropoutStream::NextMask(double rate) {
  DropoutMask mask;
  mask.threshold = static_cast<std::uint32_t>(std::lround(rate * kRates));
  if (mask.threshold == 0) return mask;
  key_ = Scatter(key_ + kGolden);
  mask.key = key_;
  mask.scale = static_cast<float>(1 / (1 - static_cast<double>(mask.threshold) / kRates));
  return mask;
}

at::Tensor DropoutStream::Apply(const at::Tensor& x, double rate) {
  if (rate <= 0) return x;
  if (generator_.defined()) {
    at::Tensor mask = at::empty_like(x, x.options().requires_grad(false), at::MemoryFormat::Contiguous);
    return x * mask.bernoulli_(1 - rate, generator_).div_(1 - rate);
  }
  const DropoutMask mask = NextMask(rate);
  return mask.threshold > 0 ? Run(x, std::nullopt, mask) : x;
}

at::Tensor DropoutStream::AddTo(const at::Tensor& hidden, const at::Tensor& x) {
  if (rate_ <= 0 || generator_.defined()) return hidden + Apply(x);
  const DropoutMask mask = NextMask(rate_);
  return mask.threshold > 0 ? Run(x, hidden, mask) : hidden + x;
}

}  // namespace lorikeet::trainer
