// Going on with a text: the encoder reads its beginning, the decoder writes the rest (the prefix LM objective
// of Raffel et al., 2020, section 3.2.1). Models that saw only spans write sentinels when they are asked for
// a text, and no prompt turns them from it; some of this mends that (LM adaptation: Lester et al., 2021,
// section 3.1).
#pragma once

#include <span>

#include "worker/text/tokenizer.h"
#include "worker/trainer/train/data.h"
#include "worker/trainer/train/permutation.h"

namespace lorikeet::trainer {

// `tokens` without its closing </s>, at least 2 of them, cut at a place drawn from the middle half. Source
// and target both end in </s>.
Example CutInTwo(std::span<const text::TokenId> tokens, CounterRandom& random);

}  // namespace lorikeet::trainer
