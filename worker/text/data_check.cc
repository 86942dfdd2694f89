#include "worker/text/data_check.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include "common/sha256.h"

namespace lorikeet::text {
namespace {

constexpr std::size_t kExamples = 3;

// Of a text, whatever stands between its words.
std::string DigestOf(const std::string& text) {
  std::string words;
  words.reserve(text.size());
  bool gap = false;
  for (const char c : text) {
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      gap = !words.empty();
      continue;
    }
    if (gap) words += ' ';
    gap = false;
    words += c;
  }
  Sha256 hash;
  hash.Add(words);
  return hash.Hex();
}

// Without an id field documents are called by their lines: growing numbers, none beyond the file's end. What
// is left out for being empty leaves holes, which `lines` allows for.
bool AreLineNumbers(const std::vector<Document>& documents, std::int64_t lines) {
  std::int64_t last = 0;
  for (const Document& document : documents) {
    std::int64_t number = 0;
    const char* const end = document.id.data() + document.id.size();
    const auto [parsed, error] = std::from_chars(document.id.data(), end, number);
    if (error != std::errc() || parsed != end || number <= last || document.id.front() == '0') return false;
    last = number;
  }
  return last <= lines;
}

struct Seen {
  std::unordered_map<std::string, const Document*> ids, texts;
  std::vector<std::string> digests;  // in document order
  bool numbered = false;
};

Overlap Compare(const NamedSplit& first, const Seen& one, const NamedSplit& second, const Seen& other) {
  Overlap overlap{.first = first.name, .second = second.name, .ids = 0, .texts = 0, .examples = {}};
  const bool compare_ids = !one.numbered && !other.numbered;
  for (std::size_t i = 0; i < second.documents->size(); ++i) {
    const Document& document = (*second.documents)[i];
    const auto id = compare_ids ? one.ids.find(document.id) : one.ids.end();
    const auto text = one.texts.find(other.digests[i]);
    if (id != one.ids.end()) ++overlap.ids;
    if (text != one.texts.end()) ++overlap.texts;
    if (overlap.examples.size() == kExamples) continue;
    if (text != one.texts.end()) {
      overlap.examples.emplace_back(text->second->id, document.id);
    } else if (id != one.ids.end()) {
      overlap.examples.emplace_back(document.id, document.id);
    }
  }
  return overlap;
}

}  // namespace

Lengths SummarizeLengths(std::vector<std::int64_t> lengths, std::int64_t limit) {
  Lengths summary;
  if (lengths.empty()) return summary;
  std::sort(lengths.begin(), lengths.end());
  const auto at = [&](double share) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(lengths.size())));
    return lengths[std::max<std::size_t>(rank, 1) - 1];
  };
  summary.p50 = at(0.5);
  summary.p95 = at(0.95);
  summary.max = lengths.back();
  double kept = 0;
  for (const std::int64_t length : lengths) {
    if (length > limit) ++summary.cut;
    kept += static_cast<double>(std::min(length, limit));
  }
  summary.mean_kept = kept / static_cast<double>(lengths.size());
  return summary;
}

Duplicates FindDuplicates(const std::vector<NamedSplit>& splits) {
  Duplicates found;
  std::size_t lines = 0;
  for (const NamedSplit& split : splits) lines += split.documents->size();
  std::vector<Seen> all(splits.size());
  for (std::size_t s = 0; s < splits.size(); ++s) {
    Seen& seen = all[s];
    // Twice what there is: a split may be held out of another's file, and empty documents are left out.
    seen.numbered = AreLineNumbers(*splits[s].documents, static_cast<std::int64_t>(2 * lines));
    std::int64_t repeated = 0;
    for (const Document& document : *splits[s].documents) {
      seen.digests.push_back(DigestOf(document.source));
      seen.ids.emplace(document.id, &document);
      if (!seen.texts.emplace(seen.digests.back(), &document).second) ++repeated;
    }
    found.within.push_back(repeated);
  }
  for (std::size_t second = 1; second < splits.size(); ++second) {
    for (std::size_t first = 0; first < second; ++first) {
      Overlap overlap = Compare(splits[first], all[first], splits[second], all[second]);
      if (overlap.ids > 0 || overlap.texts > 0) found.across.push_back(std::move(overlap));
    }
  }
  return found;
}

}  // namespace lorikeet::text
