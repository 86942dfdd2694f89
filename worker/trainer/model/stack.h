// T5's two stacks of blocks. Each layer is x + dropout(sublayer(layer_norm(x))); the residual stream is fp32.
//
// Shapes: B batch, S source positions (prompt included), T target tokens, H heads, K d_kv, D d_model.
#pragma once

#include <ATen/ATen.h>

#include <optional>
#include <string>
#include <vector>

#include "worker/trainer/model/attention.h"
#include "worker/trainer/model/feed_forward.h"
#include "worker/trainer/model/layer_norm.h"
#include "worker/trainer/model/relative_position.h"

namespace lorikeet::trainer {

struct AttentionLayer {
  LayerNorm layer_norm;
  Attention attention;
};
struct FeedForwardLayer {
  LayerNorm layer_norm;
  FeedForward feed_forward;
};
struct Block {
  AttentionLayer self;                  // layer.0.SelfAttention
  std::optional<AttentionLayer> cross;  // layer.1.EncDecAttention, in the decoder
  FeedForwardLayer feed_forward;        // the last layer's DenseReluDense
};
struct Stack {
  std::vector<Block> blocks;
  LayerNorm final_layer_norm;
  RelativePositions positions;  // block 0's relative_attention_bias
  at::ScalarType compute = at::kFloat;
};

// Builds a stack on the tensors of a checkpoint ("encoder" or "decoder" names it). Every name must be there.
Stack BuildStack(const std::string& stack, const T5Config& config, at::ScalarType compute,
                 const std::map<std::string, at::Tensor>& parameters);

// embedded [B, S, D] fp32, mask [B, S] bool, to [B, S, D] fp32.
at::Tensor RunEncoder(const Stack& encoder, const at::Tensor& embedded, const at::Tensor& mask,
                      const ForwardContext& context);

// embedded [B, T, D] fp32 to [B, T, D] fp32, teacher-forced: all T at once under a causal mask.
at::Tensor RunDecoder(const Stack& decoder, const at::Tensor& embedded, const EncoderOutput& source,
                      const ForwardContext& context);

}  // namespace lorikeet::trainer
