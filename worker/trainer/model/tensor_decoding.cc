#include <algorithm>

#include "worker/trainer/model/step_decoding.h"

namespace lorikeet::trainer {
namespace {

// Capacities double from here on: a summary's keys are copied a few times, not at every step.
constexpr std::int64_t kFirstCapacity = 32;

at::Tensor Indices(std::span<const std::int64_t> values, at::Device device) {
  return at::tensor(at::ArrayRef<std::int64_t>(values.data(), values.size()), at::kLong).to(device);
}

struct LayerCache {
  at::Tensor self_key, self_value;    // [rows, heads, capacity, d_kv], of which the steps done count
  at::Tensor cross_key, cross_value;  // [documents, heads, P + S, d_kv]
};

class TensorDecoding : public Decoding {
 public:
  TensorDecoding(const DecodedModel& model, const EncoderOutput& source, const ForwardContext& context)
      : model_(model), adapter_(context.adapter), mask_(MaskBias(source.mask)) {
    const at::Tensor memory = source.hidden.to(model.decoder.compute);
    for (const Block& block : model.decoder.blocks) {
      const Attention& cross = block.cross->attention;
      layers_.push_back({{},
                         {},
                         Project(cross.k, cross.heads, memory, context).contiguous(),
                         Project(cross.v, cross.heads, memory, context).contiguous()});
    }
  }

  at::Tensor Step(std::span<const std::int64_t> tokens) override {
    const ForwardContext context{.adapter = adapter_};
    const Stack& decoder = model_.decoder;
    const at::ScalarType compute = decoder.compute;
    ++steps_;
    GrowBackwardBias(decoder.positions, steps_, positions_);
    const at::Tensor position = positions_.narrow(1, positions_.size(1) - steps_, steps_);
    at::Tensor hidden =
        at::embedding(model_.embeddings, Indices(tokens, model_.embeddings.device())).to(at::kFloat);
    for (std::size_t i = 0; i < decoder.blocks.size(); ++i) {
      const Block& block = decoder.blocks[i];
      LayerCache& layer = layers_[i];
      const Attention &self = block.self.attention, &cross = block.cross->attention;
      at::Tensor x = Apply(block.self.layer_norm, hidden, compute);
      Append(Apply(self.k, x, context), self.heads, layer.self_key);
      Append(Apply(self.v, x, context), self.heads, layer.self_value);
      const at::Tensor mixed = Attend(Apply(self.q, x, context), layer.self_key.narrow(2, 0, steps_),
                                      layer.self_value.narrow(2, 0, steps_), position.unsqueeze(1), {});
      hidden = hidden + Apply(self.o, mixed, context);
      // A document's hypotheses are so many queries to the same keys, which are therefore kept once.
      x = Apply(block.cross->layer_norm, hidden, compute);
      hidden =
          hidden + Apply(cross.o,
                         Attend(Apply(cross.q, x, context), layer.cross_key, layer.cross_value, {}, mask_),
                         context);
      const FeedForwardLayer& last = block.feed_forward;
      hidden = hidden + Apply(last.feed_forward, Apply(last.layer_norm, hidden, compute), context);
    }
    const at::Tensor x = Apply(decoder.final_layer_norm, hidden) * model_.scale;
    return Apply(model_.head, x.to(compute), context).to(at::kFloat);
  }

  void Select(std::span<const std::int64_t> rows, std::span<const std::int64_t> documents) override {
    const at::Device device = model_.embeddings.device();
    const at::Tensor row = Indices(rows, device), document = Indices(documents, device);
    const bool leave = static_cast<std::int64_t>(documents.size()) < layers_.front().cross_key.size(0);
    for (LayerCache& layer : layers_) {
      layer.self_key = layer.self_key.index_select(0, row);
      layer.self_value = layer.self_value.index_select(0, row);
      if (!leave) continue;
      layer.cross_key = layer.cross_key.index_select(0, document);
      layer.cross_value = layer.cross_value.index_select(0, document);
    }
    if (leave && mask_.defined()) mask_ = mask_.index_select(0, document);
  }

 private:
  // Puts x [rows, H·K] behind what buffer [rows, H, capacity, K] holds; it grows where it must.
  void Append(const at::Tensor& x, std::int64_t heads, at::Tensor& buffer) const {
    const std::int64_t rows = x.size(0), width = x.size(1) / heads, former = steps_ - 1;
    if (!buffer.defined() || buffer.size(2) == former) {
      at::Tensor grown = at::empty({rows, heads, std::max(2 * former, kFirstCapacity), width}, x.options());
      if (former > 0) grown.narrow(2, 0, former).copy_(buffer);
      buffer = std::move(grown);
    }
    buffer.select(2, former).copy_(x.view({rows, heads, width}));
  }

  // query [rows, H·K], key and value [documents or rows, H, n, K]; position [H, 1, n], mask [documents, n];
  // either may be undefined. [rows, H·K].
  static at::Tensor Attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const at::Tensor& position, const at::Tensor& mask) {
    const at::Tensor queries = query.view({key.size(0), -1, key.size(1), key.size(3)}).transpose(1, 2);
    at::Tensor scores =
        at::matmul(queries, key.transpose(2, 3)).to(at::kFloat);  // [documents, H, hypotheses, n]
    if (position.defined()) scores = scores + position;
    if (mask.defined()) scores = scores + mask.unsqueeze(1).unsqueeze(1);
    const at::Tensor weights = at::softmax(scores, -1).to(value.scalar_type());
    return at::matmul(weights, value).transpose(1, 2).reshape(query.sizes());
  }

  const DecodedModel model_;
  const AdapterView* const adapter_;
  at::Tensor mask_, positions_;
  std::vector<LayerCache> layers_;
  std::int64_t steps_ = 0;
};

}  // namespace

std::unique_ptr<Decoding> StartTensorDecoding(const DecodedModel& model, const EncoderOutput& source,
                                              const ForwardContext& context) {
  return std::make_unique<TensorDecoding>(model, source, context);
}

}  // namespace lorikeet::trainer
