#include "worker/trainer/model/dropout.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <cmath>

namespace lorikeet::trainer {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;

// SplitMix64's output function (Steele, Lea and Flood, 2014): a bijection that scatters neighbouring inputs.
inline std::uint64_t Scatter(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// One 64-bit number of the stream decides four elements, 16 bits each: rates are thus multiples of 1 / 65536,
// and the scale below is that of the rounded rate, so that expectations are kept exactly.
constexpr int kLanes = 4;
constexpr std::uint64_t kLaneValues = 65536;

// mask[i] is 0 or `scale`. Numbered, not drawn in turn: any number of threads fills it alike.
void FillMask(std::uint64_t key, std::uint64_t threshold, float scale, at::Tensor& mask) {
  float* const out = mask.data_ptr<float>();
  const std::int64_t count = mask.numel();
  at::parallel_for(0, (count + kLanes - 1) / kLanes, 4096, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::uint64_t bits = Scatter(key + static_cast<std::uint64_t>(i + 1) * kGolden);
      const std::int64_t lanes = std::min<std::int64_t>(kLanes, count - i * kLanes);
      for (std::int64_t lane = 0; lane < lanes; ++lane) {
        out[i * kLanes + lane] = ((bits >> (16 * lane)) & 0xffff) < threshold ? 0.0f : scale;
      }
    }
  });
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

at::Tensor DropoutStream::Apply(const at::Tensor& x, double rate) {
  if (rate <= 0) return x;
  if (generator_.defined()) {
    at::Tensor mask = at::empty_like(x, x.options().requires_grad(false), at::MemoryFormat::Contiguous);
    return x * mask.bernoulli_(1 - rate, generator_).div_(1 - rate);
  }
  const auto threshold = static_cast<std::uint64_t>(std::lround(rate * kLaneValues));
  if (threshold == 0) return x;
  const double kept = 1 - static_cast<double>(threshold) / kLaneValues;
  at::Tensor mask = at::empty(x.sizes(), at::kFloat);
  key_ = Scatter(key_ + kGolden);  // the next tensor's numbers
  FillMask(key_, threshold, kept > 0 ? static_cast<float>(1 / kept) : 0.0f, mask);
  return x * mask.to(x.scalar_type());
}

}  // namespace lorikeet::trainer
