// T5 as Hugging Face defines it (Raffel et al., 2020; transformers' modeling_t5.py): v1.0 with ReLU, v1.1 and
// Flan with gated GELU, relative position buckets, encoder and decoder of different depth.
//
// Parameters keep the checkpoint's names ("encoder.block.0.layer.0.SelfAttention.q.weight"). Not thread-safe.
// Shapes: B batch, S source tokens, T target tokens, P prompt tokens, D d_model, V vocabulary.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/status.h"
#include "worker/trainer/model/decoding.h"
#include "worker/trainer/model/t5_config.h"
#include "worker/trainer/model/token_losses.h"

namespace lorikeet::trainer {

class AdapterView;    // worker/trainer/model/adapter_view.h
class DropoutStream;  // worker/trainer/model/dropout.h

struct LoadOptions {
  at::Device device = at::kCPU;
  // Matrix products' type: kFloat, or kBFloat16 (norms, softmax and the loss stay fp32).
  at::ScalarType compute = at::kFloat;
  // Whether the base's parameters are trained: kept in fp32 with requires_grad; else stored as `compute`,
  // frozen.
  bool trainable = false;
};

// What one forward pass needs beside its inputs; owned by the trial, not by the model, so that several trials
// can share one model later.
struct ForwardContext {
  const AdapterView* adapter = nullptr;  // LoRA or prompt; null for the base alone
  DropoutStream* dropout = nullptr;      // null: no dropout (validation, generation)
  // Keep each block's input only, and run the block again for its gradients: see activation_checkpoint.h.
  bool gradient_checkpointing = false;
};

struct EncoderOutput {
  at::Tensor hidden;  // [B, P + S, D]
  at::Tensor mask;    // [B, P + S] bool, true where there is something to attend to
};

class T5 {
 public:
  // Reads config.json and *.safetensors. Names a missing, extra or wrongly shaped tensor, with both shapes.
  static StatusOr<std::unique_ptr<T5>> Load(const std::string& directory, const LoadOptions& options);
  // Fresh weights as transformers initialises them (for pretraining and tests).
  static std::unique_ptr<T5> Initialize(const T5Config& config, std::uint64_t seed,
                                        const LoadOptions& options);
  ~T5();

  // config.json, generation_config.json, model.safetensors in fp32 (or as `dtype` says), spiece.model copied
  // from `tokenizer_directory`. The folder appears whole or not at all.
  Status Save(const std::string& directory, const std::string& tokenizer_directory,
              at::ScalarType dtype = at::kFloat) const;

  const T5Config& config() const;
  at::Device device() const;
  at::ScalarType compute() const;
  // Checkpoint name to parameter; tied ones once. Values may be changed in place under NoGradGuard.
  const std::map<std::string, at::Tensor>& parameters() const;
  std::int64_t parameter_count() const;

  // source: [B, S] int64, padded with 0; mask: [B, S] bool. A prompt adapter's tokens come first.
  EncoderOutput Encode(const at::Tensor& source, const at::Tensor& mask, const ForwardContext& context) const;
  // decoder_input: [B, T] int64 (shifted right). Returns hidden states [B, T, D], ready for Logits.
  at::Tensor Decode(const at::Tensor& decoder_input, const EncoderOutput& encoder,
                    const ForwardContext& context) const;
  // hidden [..., D] to logits [..., V]; scaled by D^-0.5 where the head is tied as T5 v1.0 does. LoRA may
  // adapt the head as "lm_head".
  at::Tensor Logits(const at::Tensor& hidden, const ForwardContext& context) const;
  // For hidden [B, T, D], the numbers in [0, B·T) of real target tokens and their labels, both [N] int64: the
  // labels' losses [N], without ever holding all logits unless LoRA adapts the head.
  TokenLosses LossesOf(const at::Tensor& hidden, const at::Tensor& real, const at::Tensor& labels,
                       const ForwardContext& context) const;

  // Generation, a token at a time, after Encode. `encoder` and `context` are not needed any more afterwards,
  // but for context.adapter.
  std::unique_ptr<Decoding> StartDecoding(const EncoderOutput& encoder, const ForwardContext& context,
                                          DecodingKind kind = DecodingKind::kFastest) const;

 private:
  struct Impl;
  explicit T5(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Sum over real target tokens of -log p, in fp32 [] and their count. target: [B, T] int64 ending in </s>,
// padded with 0 where target_mask [B, T] is false.
struct TokenLoss {
  at::Tensor sum;           // [] fp32, with gradient
  at::Tensor per_document;  // [B] fp32, detached
  std::int64_t tokens = 0;
};
struct Batch {
  at::Tensor source, source_mask;  // [B, S] int64, bool
  at::Tensor target, target_mask;  // [B, T] int64, bool
  // Where the real target tokens stand in target.flatten(): [N] int64. Undefined: Loss looks for them, which
  // waits for a GPU.
  at::Tensor real = {};
};
TokenLoss Loss(const T5& model, const Batch& batch, const ForwardContext& context);

}  // namespace lorikeet::trainer
