// What is worth knowing of a sweep's documents before anything is trained on them: how long their texts are,
// and which of them come twice.
//
// Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "worker/text/documents.h"

namespace lorikeet::text {

// Of texts in tokens, the closing </s> included.
struct Lengths {
  std::int64_t p50 = 0, p95 = 0, max = 0;  // 0 without a text
  std::int64_t cut = 0;                    // how many are longer than the limit
  double mean_kept = 0;                    // of what the limit leaves
};
// Percentiles are lengths that occur: the least that so many texts do not exceed.
Lengths SummarizeLengths(std::vector<std::int64_t> lengths, std::int64_t limit);

// The documents of a split, and what messages call it.
struct NamedSplit {
  std::string name;
  const std::vector<Document>* documents = nullptr;
};

// Documents that two splits share. `ids` counts those of the second whose id the first has too, `texts` those
// whose article it has, whatever their ids. Articles that differ in white space alone are the same.
struct Overlap {
  std::string first, second;
  std::int64_t ids = 0, texts = 0;
  std::vector<std::pair<std::string, std::string>> examples;  // ids in both; the first few
};

struct Duplicates {
  std::vector<std::int64_t> within;  // by split: documents whose article an earlier one of the split has
  std::vector<Overlap> across;       // pairs that share something
};
// Ids that are the numbers of their lines say nothing of another file's, and are not compared.
Duplicates FindDuplicates(const std::vector<NamedSplit>& splits);

}  // namespace lorikeet::text
