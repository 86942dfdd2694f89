#include "worker/trainer/model/stack.h"

#include "worker/trainer/model/activation_checkpoint.h"
#include "worker/trainer/model/dropout.h"

namespace lorikeet::trainer {
namespace {

// Adds what a sublayer gave, in the products' type, to the fp32 residual stream.
at::Tensor AddTo(const at::Tensor& hidden, const at::Tensor& given, const ForwardContext& context) {
  return context.dropout ? context.dropout->AddTo(hidden, given) : hidden + given;
}

at::Tensor RunFeedForward(const FeedForwardLayer& layer, const at::Tensor& hidden, at::ScalarType compute,
                          const ForwardContext& context) {
  return AddTo(hidden, Apply(layer.feed_forward, Apply(layer.layer_norm, hidden, compute), context), context);
}

at::Tensor RunSelfAttention(const AttentionLayer& layer, const at::Tensor& hidden, const ScoreBias& bias,
                            at::ScalarType compute, const ForwardContext& context) {
  const Attention& attention = layer.attention;
  const at::Tensor x = Apply(layer.layer_norm, hidden, compute);
  const at::Tensor query = Project(attention.q, attention.heads, x, context);
  const at::Tensor key = Project(attention.k, attention.heads, x, context);
  const at::Tensor value = Project(attention.v, attention.heads, x, context);
  return AddTo(hidden, Attend(attention, query, key, value, bias, context), context);
}

at::Tensor RunEncoderBlock(const Block& block, const at::Tensor& hidden, const ScoreBias& bias,
                           at::ScalarType compute, const ForwardContext& context) {
  return RunFeedForward(block.feed_forward, RunSelfAttention(block.self, hidden, bias, compute, context),
                        compute, context);
}

// memory [B, P + S, D] in the products' type.
at::Tensor RunDecoderBlock(const Block& block, const at::Tensor& embedded, const at::Tensor& memory,
                           const ScoreBias& self_bias, const ScoreBias& cross_bias, at::ScalarType compute,
                           const ForwardContext& context) {
  at::Tensor hidden = RunSelfAttention(block.self, embedded, self_bias, compute, context);
  // The block's own name for it: its gradients are summed block by block, checkpointed or not.
  const at::Tensor source = at::alias(memory);
  const Attention& cross = block.cross->attention;
  const at::Tensor x = Apply(block.cross->layer_norm, hidden, compute);
  const at::Tensor query = Project(cross.q, cross.heads, x, context);
  const at::Tensor key = Project(cross.k, cross.heads, source, context);
  const at::Tensor value = Project(cross.v, cross.heads, source, context);
  hidden = AddTo(hidden, Attend(cross, query, key, value, cross_bias, context), context);
  return RunFeedForward(block.feed_forward, hidden, compute, context);
}

at::Tensor Finish(const Stack& stack, const at::Tensor& hidden, const ForwardContext& context) {
  return Dropout(Apply(stack.final_layer_norm, hidden), context);
}

}  // namespace

Stack BuildStack(const std::string& stack, const T5Config& config, at::ScalarType compute,
                 const std::map<std::string, at::Tensor>& parameters) {
  const bool is_decoder = stack == "decoder";
  const auto linear = [&](const std::string& name) { return Linear{name, parameters.at(name + ".weight")}; };
  const auto norm = [&](const std::string& name) {
    return LayerNorm{parameters.at(name + ".weight"), config.layer_norm_epsilon};
  };
  const auto attention = [&](const std::string& layer, const std::string& kind) {
    const std::string name = layer + "." + kind;
    return AttentionLayer{norm(layer + ".layer_norm"),
                          Attention{linear(name + ".q"), linear(name + ".k"), linear(name + ".v"),
                                    linear(name + ".o"), config.num_heads}};
  };
  const auto feed_forward = [&](const std::string& layer) {
    const std::string name = layer + ".DenseReluDense";
    return FeedForwardLayer{
        norm(layer + ".layer_norm"),
        FeedForward{linear(name + (config.gated ? ".wi_0" : ".wi")),
                    config.gated ? linear(name + ".wi_1") : Linear{}, linear(name + ".wo"),
                    config.activation == "gelu_new" ? Activation::kGeluNew : Activation::kRelu}};
  };

  Stack built;
  const std::int64_t depth = is_decoder ? config.num_decoder_layers : config.num_layers;
  for (std::int64_t i = 0; i < depth; ++i) {
    const std::string layer = fmt::format("{}.block.{}.layer.", stack, i);
    Block block;
    block.self = attention(layer + "0", "SelfAttention");
    if (is_decoder) block.cross = attention(layer + "1", "EncDecAttention");
    block.feed_forward = feed_forward(layer + (is_decoder ? "2" : "1"));
    built.blocks.push_back(std::move(block));
  }
  built.final_layer_norm = norm(stack + ".final_layer_norm");
  built.positions = {parameters.at(stack + ".block.0.layer.0.SelfAttention.relative_attention_bias.weight"),
                     config.relative_attention_max_distance, /*bidirectional=*/!is_decoder};
  built.compute = compute;
  return built;
}

at::Tensor RunEncoder(const Stack& encoder, const at::Tensor& embedded, const at::Tensor& mask,
                      const ForwardContext& context) {
  const ScoreBias bias{RelativeBias(encoder.positions, embedded.size(1)), MaskBias(mask)};
  at::Tensor hidden = Dropout(embedded, context);
  for (const Block& block : encoder.blocks) {
    const auto part = [&block, mask = bias.mask, compute = encoder.compute,
                       context](const std::vector<at::Tensor>& in) {
      return RunEncoderBlock(block, in[0], {in[1], mask}, compute, context);
    };
    hidden = RunPart(context, part, {hidden, bias.relative});
  }
  return Finish(encoder, hidden, context);
}

at::Tensor RunDecoder(const Stack& decoder, const at::Tensor& embedded, const EncoderOutput& source,
                      const ForwardContext& context) {
  const std::int64_t length = embedded.size(1);
  const ScoreBias self_bias{RelativeBias(decoder.positions, length), {}};
  const ScoreBias cross_bias{{}, MaskBias(source.mask)};
  const at::Tensor memory = source.hidden.to(decoder.compute);
  at::Tensor hidden = Dropout(embedded, context);
  for (const Block& block : decoder.blocks) {
    const auto part = [&block, cross_bias, compute = decoder.compute,
                       context](const std::vector<at::Tensor>& in) {
      return RunDecoderBlock(block, in[0], in[2], {in[1], {}}, cross_bias, compute, context);
    };
    hidden = RunPart(context, part, {hidden, self_bias.relative, memory});
  }
  return Finish(decoder, hidden, context);
}

}  // namespace lorikeet::trainer
