// A trial's documents, read and tokenised once.
//
// Plain values; the functions are thread-safe and keep nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/status.h"
#include "sweeps/trial/trial.h"
#include "worker/text/documents.h"
#include "worker/text/tokenizer.h"

namespace lorikeet::trainer {

// Token ids end in </s>.
struct Example {
  std::vector<text::TokenId> source, target;
  bool source_cut = false, target_cut = false;  // longer than max_source_tokens, max_target_tokens
};

struct Split {
  std::vector<text::Document> documents;  // in file order
  std::vector<Example> examples;          // as many, or none where nothing needs tokens (lead)
  // Documents may be gone once their tokens are there (data_cache.h).
  std::size_t size() const { return std::max(documents.size(), examples.size()); }
};

struct TrialData {
  Split train, validation, test;
  std::int64_t empty_documents = 0;  // left out of the three for an empty article or abstract
  std::vector<std::string> warnings;
  std::string fingerprint;  // of the documents as used, by split and in order
};

// Reads the three splits. With validation_from_train the held-out documents are the same for every trial.
// Errors name file and line; a split without a document is refused.
StatusOr<TrialData> ReadTrialData(const DataSettings& settings);

// Fills in `split`.examples, on the threads that ATen has.
void Tokenize(const DataSettings& settings, const text::Tokenizer& tokenizer, Split& split);

}  // namespace lorikeet::trainer
