// Generation, a token at a time, with the decoder's keys and values kept.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <span>

namespace lorikeet::trainer {

// kSteps: on the CPU, with packed weights and loops of our own; kTensors: anywhere, in tensor operations;
// kFastest: what the device has.
enum class DecodingKind { kFastest, kSteps, kTensors };

// Rows are hypotheses: every document has equally many, and they are neighbours (row = document · hypotheses
// + hypothesis). Starts with one row a document. Not thread-safe.
class Decoding {
 public:
  virtual ~Decoding() = default;
  // tokens: the last token of each row; a multiple of the documents, the same at every step since the last
  // Select. Returns logits [rows, V] fp32.
  virtual at::Tensor Step(std::span<const std::int64_t> tokens) = 0;
  // What goes on: for each new row the former row that it continues, and for each document that stays its
  // former number, ascending.
  virtual void Select(std::span<const std::int64_t> rows, std::span<const std::int64_t> documents) = 0;
};

}  // namespace lorikeet::trainer
