#include "worker/trainer/model/packed_linear.h"

#include <algorithm>

#include "worker/trainer/kernels/attention_kernels.h"
#include "worker/trainer/kernels/micro_gemm.h"
#include "worker/trainer/kernels/parallel.h"
#include "worker/trainer/model/adapter_view.h"

namespace lorikeet::trainer {
namespace {

constexpr std::int64_t kPanel = 64;
constexpr std::int64_t kProductsWorthAThread = 200'000;

}  // namespace

template <typename T>
PackedLinear<T>::PackedLinear(const std::vector<const Linear*>& layers, const AdapterView* adapter) {
  std::vector<at::Tensor> weights;
  for (const Linear* layer : layers) {
    if (!layer->weight.defined()) continue;
    weights.push_back(layer->weight);
    const AdapterView::LowRank update = adapter ? adapter->UpdateOf(layer->name) : AdapterView::LowRank{};
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
  std::vector<at::Tensor> placed;
  placed.reserve(weights.size());
  for (const at::Tensor& weight : weights) {
    placed.push_back(weight.detach().to(c10::CppTypeToScalarType<T>::value).contiguous());
  }
  const at::Tensor all = placed.size() == 1 ? placed.front() : at::cat(placed, 0);
  const std::int64_t in = all.size(1);
  panels_ = Panels<T>(RoundUp(in, kKeyGroup), out_, kPanel);
  packed_.resize(panels_.size());
  const Rows<const T> rows{all.const_data_ptr<T>(), in};
  ParallelFor(0, panels_.count(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t panel = begin; panel < end; ++panel)
      panels_.PackTransposed(panel, rows, out_, in, packed_.data());
  });
}

template <typename T>
void PackedLinear<T>::Apply(std::int64_t rows, const T* x, std::int64_t ldx, float* y, std::int64_t ldy,
                            bool add) const {
  const std::int64_t products = rows * padded_in() * panels_.width();  // of a panel
  const std::int64_t grain = std::max<std::int64_t>(1, kProductsWorthAThread / products);
  ParallelFor(0, panels_.count(), grain, [&](std::int64_t begin, std::int64_t end) {
    const MicroGemmScope scope;
    panels_.Multiply(begin, end, rows, x, ldx, packed_.data(), y, ldy, add);
  });
  for (const Update& update : updates_) {
    const PackedLinear &a = update.matrices[0], &b = update.matrices[1];
    Buffer<float> inner(rows * a.out_);
    Buffer<T> narrowed(rows * b.padded_in());
    a.Apply(rows, x, ldx, inner.data(), a.out_, /*add=*/false);
    for (std::int64_t row = 0; row < rows; ++row) {
      T* const to = narrowed.data() + row * b.padded_in();
      for (std::int64_t i = 0; i < a.out_; ++i)
        to[i] = static_cast<T>(inner[row * a.out_ + i] * update.scale);
      std::fill_n(to + a.out_, b.padded_in() - a.out_, T(0));
    }
    b.Apply(rows, narrowed.data(), b.padded_in(), y + update.first, ldy, /*add=*/true);
  }
}

template class PackedLinear<float>;
template class PackedLinear<at::BFloat16>;

}  // namespace lorikeet::trainer
