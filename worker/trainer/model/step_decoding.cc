#include "worker/trainer/model/step_decoding.h"

#include <algorithm>
#include <numeric>

#include "worker/trainer/kernels/micro_gemm.h"
#include "worker/trainer/kernels/row_kernels.h"
#include "worker/trainer/kernels/step_attention.h"
#include "worker/trainer/model/packed_linear.h"

namespace lorikeet::trainer {
namespace {

// How many of each document's keys count: up to the last that is not masked out.
std::vector<std::int64_t> KeysOf(const at::Tensor& mask) {
  const at::Tensor seen = mask.contiguous();
  const bool* const data = seen.const_data_ptr<bool>();
  std::vector<std::int64_t> counts;
  for (std::int64_t row = 0; row < seen.size(0); ++row) {
    std::int64_t count = seen.size(1);
    while (count > 0 && !data[row * seen.size(1) + count - 1]) --count;
    counts.push_back(count > 0 ? count : seen.size(1));
  }
  return counts;
}

template <typename T>
struct LayerWeights {
  LayerWeights(const Block& block, const AdapterView* adapter)
      : block_(block),
        qkv({&block.self.attention.q, &block.self.attention.k, &block.self.attention.v}, adapter),
        self_o({&block.self.attention.o}, adapter),
        cross_q({&block.cross->attention.q}, adapter),
        cross_o({&block.cross->attention.o}, adapter),
        wi({&block.feed_forward.feed_forward.wi, &block.feed_forward.feed_forward.wi_1}, adapter),
        wo({&block.feed_forward.feed_forward.wo}, adapter) {}

  const LayerNorm& self_norm() const { return block_.self.layer_norm; }
  const LayerNorm& cross_norm() const { return block_.cross->layer_norm; }
  const LayerNorm& feed_forward_norm() const { return block_.feed_forward.layer_norm; }
  Activation activation() const { return block_.feed_forward.feed_forward.activation; }
  bool gated() const { return block_.feed_forward.feed_forward.wi_1.weight.defined(); }

 private:
  const Block& block_;

 public:
  PackedLinear<T> qkv, self_o, cross_q, cross_o, wi, wo;
};

// Rows of T that a product reads, padded with zeros once: what is written later never reaches the padding.
template <typename T>
struct Operand {
  Operand(std::int64_t rows, std::int64_t row_stride) : stride(row_stride), data(rows * row_stride) {
    std::fill_n(data.data(), data.size(), T(0));
  }
  T* Row(std::int64_t row) { return data.data() + row * stride; }
  std::int64_t stride;
  Buffer<T> data;
};

template <typename T>
class StepDecoding : public Decoding {
 public:
  StepDecoding(const DecodedModel& model, const EncoderOutput& source, const ForwardContext& context)
      : model_(model),
        head_({&model.head}, context.adapter),
        final_norm_(model.decoder.final_layer_norm),
        embeddings_(model.embeddings.detach().contiguous()),
        mask_(MaskBias(source.mask)),
        documents_(static_cast<std::size_t>(source.mask.size(0))) {
    std::iota(documents_.begin(), documents_.end(), 0);
    if (model.scale != 1.0) final_norm_.weight = final_norm_.weight * model.scale;
    const std::vector<std::int64_t> keys_of = KeysOf(source.mask);
    const at::Tensor memory = source.hidden.to(model.decoder.compute);
    const at::ScalarType type = c10::CppTypeToScalarType<T>::value;
    for (const Block& block : model.decoder.blocks) {
      const Attention& cross = block.cross->attention;
      layers_.emplace_back(block, context.adapter);
      crosses_.emplace_back(Project(cross.k, cross.heads, memory, context).to(type),
                            Project(cross.v, cross.heads, memory, context).to(type), keys_of);
    }
    selves_.resize(layers_.size());
    heads_ = model.decoder.blocks.front().self.attention.heads;
  }

  at::Tensor Step(std::span<const std::int64_t> tokens) override {
    const auto rows = static_cast<std::int64_t>(tokens.size());
    const std::int64_t width = embeddings_.size(1), joined = layers_.front().qkv.out() / 3;
    const std::int64_t hypotheses = rows / static_cast<std::int64_t>(documents_.size());
    ancestry_.Begin(rows);
    GrowBackwardBias(model_.decoder.positions, ancestry_.steps(), positions_);
    Buffer<float> hidden(rows * width);
    Embed(tokens, hidden.data());
    Operand<T> x(rows, head_.padded_in()), mixed(rows, layers_.front().self_o.padded_in());
    Operand<T> inner(rows, layers_.front().wo.padded_in());
    Buffer<float> projected(rows * std::max(3 * joined, layers_.front().wi.out()));
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const LayerWeights<T>& layer = layers_[i];
      const auto add_to_hidden = [&](const PackedLinear<T>& linear, Operand<T>& from) {
        linear.Apply(rows, from.data.data(), from.stride, hidden.data(), width, /*add=*/true);
      };
      const auto project_normed = [&](const LayerNorm& norm, const PackedLinear<T>& linear) {
        Norm(norm, rows, hidden.data(), x);
        linear.Apply(rows, x.data.data(), x.stride, projected.data(), linear.out(), /*add=*/false);
      };
      project_normed(layer.self_norm(), layer.qkv);
      selves_[i].Append(ancestry_, projected.data() + joined, projected.data() + 2 * joined, 3 * joined,
                        joined);
      selves_[i].Attend(ancestry_, heads_, projected.data(), 3 * joined, positions_, mixed.data.data(),
                        mixed.stride);
      add_to_hidden(layer.self_o, mixed);
      project_normed(layer.cross_norm(), layer.cross_q);
      crosses_[i].Attend(documents_, hypotheses, projected.data(), joined, mask_, mixed.data.data(),
                         mixed.stride);
      add_to_hidden(layer.cross_o, mixed);
      project_normed(layer.feed_forward_norm(), layer.wi);
      FeedForward(layer, rows, projected.data(), inner);
      add_to_hidden(layer.wo, inner);
    }
    Norm(final_norm_, rows, hidden.data(), x);
    at::Tensor logits = at::empty({rows, head_.out()}, at::kFloat);
    head_.Apply(rows, x.data.data(), x.stride, logits.mutable_data_ptr<float>(), head_.out(), /*add=*/false);
    return logits;
  }

  void Select(std::span<const std::int64_t> rows, std::span<const std::int64_t> documents) override {
    ancestry_.Select(rows);
    std::vector<std::int64_t> kept;
    for (const std::int64_t document : documents)
      kept.push_back(documents_[static_cast<std::size_t>(document)]);
    documents_ = std::move(kept);
  }

 private:
  void Embed(std::span<const std::int64_t> tokens, float* hidden) const {
    const std::int64_t width = embeddings_.size(1);
    const bool narrow = embeddings_.scalar_type() == at::kBFloat16;
    for (std::size_t row = 0; row < tokens.size(); ++row) {
      float* const to = hidden + static_cast<std::int64_t>(row) * width;
      if (narrow) {
        const auto* const from = Bits(embeddings_.const_data_ptr<at::BFloat16>() + tokens[row] * width);
        for (std::int64_t i = 0; i < width; ++i) to[i] = Widen(from[i]);
      } else {
        std::copy_n(embeddings_.const_data_ptr<float>() + tokens[row] * width, width, to);
      }
    }
  }

  static void Norm(const LayerNorm& norm, std::int64_t rows, const float* hidden, Operand<T>& x) {
    const std::int64_t width = norm.weight.size(0);
    const float* const weights = norm.weight.const_data_ptr<float>();
    for (std::int64_t row = 0; row < rows; ++row) {
      NormRow(width, norm.epsilon, hidden + row * width, weights, Bits(x.Row(row)));
    }
  }

  static void FeedForward(const LayerWeights<T>& layer, std::int64_t rows, const float* projected,
                          Operand<T>& inner) {
    const std::int64_t out = layer.wi.out(), width = layer.gated() ? out / 2 : out;
    for (std::int64_t row = 0; row < rows; ++row) {
      const float* const a = projected + row * out;
      GateRow({}, {}, width, Gate<float>{layer.activation(), a, layer.gated() ? a + width : nullptr},
              Bits(inner.Row(row)));
    }
  }

  const DecodedModel model_;
  std::vector<LayerWeights<T>> layers_;
  std::vector<CrossCache<T>> crosses_;
  std::vector<SelfCache> selves_;
  PackedLinear<T> head_;
  LayerNorm final_norm_;  // with the scale of what the head is applied to
  at::Tensor embeddings_, mask_, positions_;
  std::vector<std::int64_t> documents_;  // that are still decoded, by their numbers at the start
  std::int64_t heads_ = 0;
  Ancestry ancestry_;
};

}  // namespace

std::unique_ptr<Decoding> StartStepDecoding(const DecodedModel& model, const EncoderOutput& source,
                                            const ForwardContext& context) {
  if (model.decoder.compute == at::kBFloat16 && HasBfloat16Products()) {
    return std::make_unique<StepDecoding<at::BFloat16>>(model, source, context);
  }
  return std::make_unique<StepDecoding<float>>(model, source, context);
}

}  // namespace lorikeet::trainer
