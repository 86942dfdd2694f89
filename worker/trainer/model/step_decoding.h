// How a T5's decoder generates: StartStepDecoding on the CPU, with packed weights and loops of our own, and
// StartTensorDecoding anywhere, in tensor operations.
#pragma once

#include <memory>

#include "worker/trainer/model/decoding.h"
#include "worker/trainer/model/stack.h"

namespace lorikeet::trainer {

// What is decoded with; refers to the model's own.
struct DecodedModel {
  const Stack& decoder;
  const at::Tensor& embeddings;  // [V, D]
  const Linear& head;            // [V, D]
  double scale;                  // of what the head is applied to
};

// Products in the decoder's `compute` type where the processor has it, else in fp32.
std::unique_ptr<Decoding> StartStepDecoding(const DecodedModel& model, const EncoderOutput& source,
                                            const ForwardContext& context);
std::unique_ptr<Decoding> StartTensorDecoding(const DecodedModel& model, const EncoderOutput& source,
                                              const ForwardContext& context);

}  // namespace lorikeet::trainer
