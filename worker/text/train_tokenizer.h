// Training a tokenizer for a small T5: SentencePiece's unigram model with T5's special pieces.
// Source: Kudo, "Subword Regularization", 2018; the settings are those of T5's own vocabulary.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/status.h"

namespace lorikeet::text {

struct TokenizerTraining {
  std::int64_t pieces =
      4000;  // the vocabulary: pad 0, </s> 1, unknown 2 and learnt pieces; sentinels come on top
  double character_coverage = 0.9995;         // the rarest characters beyond this share become unknown
  std::int64_t max_sentence_bytes = 1 << 16;  // longer ones are left out
};

// Puts the next sentence into its argument; false when there are no more.
using SentenceSource = std::function<StatusOr<bool>(std::string& sentence)>;

// Writes `directory`/spiece.model (atomically; the directory is made if need be). The same sentences in the
// same order give the same bytes: one thread, no sampling. All sentences are held in memory. Normalises as T5
// does (nmt_nfkc); no byte fallback. Refuses a vocabulary that is too small for the text's characters or too
// large for its words, in SentencePiece's words, and sources without a sentence. One training at a time in a
// process.
Status TrainTokenizer(const SentenceSource& sentences, const TokenizerTraining& training,
                      const std::string& directory);

// The same with the lines of a text file.
Status TrainTokenizerOnFile(const std::string& path, const TokenizerTraining& training,
                            const std::string& directory);

}  // namespace lorikeet::text
