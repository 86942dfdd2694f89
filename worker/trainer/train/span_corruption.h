// T5's pretraining task: spans of a text are replaced by sentinels, and the model writes the spans (Raffel et
// al., 2020, section 3.1.4; the choice of spans is that of the t5 package's random_spans_noise_mask). Pure
// functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "worker/text/tokenizer.h"
#include "worker/trainer/train/data.h"
#include "worker/trainer/train/permutation.h"

namespace lorikeet::trainer {

struct SpanCorruption {
  double density = 0.15;   // share of tokens that are hidden
  double mean_span = 3.0;  // tokens
};

// One bool a token, true where it is hidden: starts with a visible span, ends with a hidden one. length at
// least 2.
std::vector<bool> NoiseMask(std::int64_t length, const SpanCorruption& settings, CounterRandom& random);

// source: the visible tokens with <extra_id_k> for the k-th hidden span; target: each sentinel and what it
// hides. Both end in </s>. `tokens` without its closing </s>; at most 100 spans, as there are sentinels.
Example Corrupt(std::span<const text::TokenId> tokens, const SpanCorruption& settings,
                const text::Tokenizer& tokenizer, CounterRandom& random);

// The most tokens whose corrupted source, </s> included, fits `source_length`.
std::int64_t RawLength(std::int64_t source_length, const SpanCorruption& settings);

}  // namespace lorikeet::trainer
