#include "worker/trainer/model/packed_linear.h"

#include <algorithm>

#include "worker/trainer/adapter/adapter.h"
#include "worker/trainer/model/attention_kernels.h"
#include "worker/trainer/model/micro_gemm.h"
#include "worker/trainer/model/parallel.h"

namespace lorikeet::trainer {
namespace {

constexpr std::int64_t kPanel = 64;
constexpr std::int64_t kProductsWorthAThread = 200'000;

}  // namespace

template <typename T>
PackedLinear<T>::PackedLinear(const std::vector<const Linear*>& layers, const Adapter* adapter) {
  std::vector<at::Tensor> weights;
  for (const Linear* layer : layers) {
    if (!layer->weight.defined()) continue;
    weights.push_back(layer->weight);
    const Adapter::LowRank update = adapter ? adapter->UpdateOf(layer->name) : Adapter::LowRank{};
    if (update.a.defined()) {
      Update packed{{}, static_cast<float>(update.scale), out_};
      packed.matrices.push_back(PackedLinear(update.a));
      packed.matrices.push_back(PackedLinear(update.b));
      updates_.push_back(std::move(packed));
    }
    out_ += layer->weight.size(0);
  }
  Pack(weights);
}

template <typename T>
PackedLinear<T>::PackedLinear(const at::Tensor& weight) : out_(weight.size(0)) {
  Pack({weight});
}

template <typename T>
void PackedLinear<T>::Pack(const std::vector<at::Tensor>& weights) {
  in_ = weights.front().size(1);
  padded_in_ = RoundUp(in_, kKeyGroup);
  std::vector<at::Tensor> placed;
  placed.reserve(weights.size());
  for (const at::Tensor& weight : weights) {
    placed.push_back(weight.detach().to(c10::CppTypeToScalarType<T>::value).contiguous());
  }
  const at::Tensor all = placed.size() == 1 ? placed.front() : at::cat(placed, 0);
  const std::int64_t panels = (out_ + kPanel - 1) / kPanel;
  panels_.resize(panels * padded_in_ * kPanel);
  const Rows<const T> rows{all.const_data_ptr<T>(), in_};
  ParallelFor(0, panels, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t panel = begin; panel < end; ++panel) {
      PackColumns(rows.From(panel * kPanel), std::min(kPanel, out_ - panel * kPanel), in_, kPanel, padded_in_,
                  panels_.data() + panel * padded_in_ * kPanel);
    }
  });
}

template <typename T>
void PackedLinear<T>::Apply(std::int64_t rows, const T* x, std::int64_t ldx, float* y, std::int64_t ldy,
                            bool add) const {
  const std::int64_t panels = (out_ + kPanel - 1) / kPanel;
  const std::int64_t grain = std::max<std::int64_t>(1, kProductsWorthAThread / (rows * padded_in_ * kPanel));
  ParallelFor(0, panels, grain, [&](std::int64_t begin, std::int64_t end) {
    const MicroGemmScope scope;
    for (std::int64_t panel = begin; panel < end; ++panel) {
      MicroGemm(rows, std::min(kPanel, out_ - panel * kPanel), padded_in_, x, ldx,
                panels_.data() + panel * padded_in_ * kPanel, kPanel, y + panel * kPanel, ldy, add);
    }
  });
  for (const Update& update : updates_) {
    const PackedLinear &a = update.matrices[0], &b = update.matrices[1];
    Buffer<float> inner(rows * a.out_);
    Buffer<T> narrowed(rows * b.padded_in_);
    a.Apply(rows, x, ldx, inner.data(), a.out_, /*add=*/false);
    for (std::int64_t row = 0; row < rows; ++row) {
      T* const to = narrowed.data() + row * b.padded_in_;
      for (std::int64_t i = 0; i < a.out_; ++i)
        to[i] = static_cast<T>(inner[row * a.out_ + i] * update.scale);
      std::fill_n(to + a.out_, b.padded_in_ - a.out_, T(0));
    }
    b.Apply(rows, narrowed.data(), b.padded_in_, y + update.first, ldy, /*add=*/true);
  }
}

template class PackedLinear<float>;
template class PackedLinear<at::BFloat16>;

}  // namespace lorikeet::trainer
