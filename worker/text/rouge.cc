#include "worker/text/rouge.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "worker/text/rouge_lcs.h"
#include "worker/text/rouge_words.h"

namespace lorikeet::text {
namespace {

using Words = std::span<const TokenNumber>;

RougeScore ScoreOf(std::size_t hits, std::size_t reference, std::size_t prediction) {
  RougeScore score;
  if (reference == 0 || prediction == 0) return score;
  score.precision = static_cast<double>(hits) / static_cast<double>(prediction);
  score.recall = static_cast<double>(hits) / static_cast<double>(reference);
  const double sum = score.precision + score.recall;
  if (sum > 0) score.f1 = 2 * score.precision * score.recall / sum;
  return score;
}

void CountInto(std::vector<std::uint32_t>& counts, Words words, std::size_t vocabulary) {
  counts.assign(vocabulary, 0);
  for (const TokenNumber word : words) ++counts[word];
}

// How often each pair of neighbouring words stands in a text: a hash table whose memory is kept.
class PairCounts {
 public:
  void Reset(std::size_t pairs) {
    const std::size_t slots = std::bit_ceil(std::max<std::size_t>(2 * pairs, 16));
    if (slots > slots_.size()) slots_.resize(slots);
    mask_ = slots - 1;
    ++text_;
  }
  void Add(TokenNumber first, TokenNumber second) { ++Find(first, second).count; }
  // Takes one away, where there is one.
  bool Take(TokenNumber first, TokenNumber second) {
    Slot& slot = Find(first, second);
    if (slot.count == 0) return false;
    --slot.count;
    return true;
  }

 private:
  struct Slot {
    std::uint64_t pair = 0;
    std::uint64_t text = 0;  // the slot is empty unless it is this text's
    std::size_t count = 0;
  };
  Slot& Find(TokenNumber first, TokenNumber second) {
    const std::uint64_t pair = std::uint64_t{first} << 32 | second;
    const std::uint64_t mixed = pair * 0x9E3779B97F4A7C15u;
    for (std::size_t at = static_cast<std::size_t>(mixed >> 32) & mask_;; at = (at + 1) & mask_) {
      Slot& slot = slots_[at];
      if (slot.text != text_) slot = {pair, text_, 0};
      if (slot.pair == pair) return slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
  std::uint64_t text_ = 0;
};

}  // namespace

struct RougeScorer::Impl {
  explicit Impl(bool stemmer) : reader(stemmer) {}

  RougeScore ScoreWords() {
    CountInto(reference_left, reference.words, reader.size());
    std::size_t hits = 0;
    for (const TokenNumber word : prediction.words) {
      if (reference_left[word] == 0) continue;
      --reference_left[word];
      ++hits;
    }
    return ScoreOf(hits, reference.words.size(), prediction.words.size());
  }

  RougeScore ScorePairs() {
    const Words ours = reference.words, theirs = prediction.words;
    if (ours.size() < 2 || theirs.size() < 2) return {};
    // A look-up takes a slot, too.
    pairs.Reset(ours.size() + theirs.size() - 2);
    for (std::size_t i = 1; i < ours.size(); ++i) pairs.Add(ours[i - 1], ours[i]);
    std::size_t hits = 0;
    for (std::size_t i = 1; i < theirs.size(); ++i) hits += pairs.Take(theirs[i - 1], theirs[i]) ? 1 : 0;
    return ScoreOf(hits, ours.size() - 1, theirs.size() - 1);
  }

  RougeScore ScoreSubsequence() {
    if (reference.words.empty() || prediction.words.empty()) return {};
    candidate.Reset(prediction.words, reader.size());
    return ScoreOf(candidate.Length(reference.words), reference.words.size(), prediction.words.size());
  }

  // Section 3.2 of the paper, with rouge_score's (and ROUGE-1.5.5's) rule that no token is counted more often
  // than either text has it. Not for texts of a line each, for which it is the subsequence's score: no word
  // is in a common subsequence more often than in either text.
  RougeScore ScoreUnion() {
    if (reference.words.empty() || prediction.words.empty()) return {};
    in_union.assign(reference.words.size(), 0);
    ForEachLine(prediction, [&](Words line, std::size_t) {
      candidate.Reset(line, reader.size());
      ForEachLine(reference, [&](Words ours, std::size_t begin) {
        candidate.MarkMembers(ours, std::span(in_union).subspan(begin, ours.size()));
      });
    });
    CountInto(reference_left, reference.words, reader.size());
    CountInto(prediction_left, prediction.words, reader.size());
    std::size_t hits = 0;
    for (std::size_t i = 0; i < reference.words.size(); ++i) {
      const TokenNumber word = reference.words[i];
      if (in_union[i] == 0 || reference_left[word] == 0 || prediction_left[word] == 0) continue;
      ++hits;
      --reference_left[word];
      --prediction_left[word];
    }
    return ScoreOf(hits, reference.words.size(), prediction.words.size());
  }

  template <typename Visit>
  static void ForEachLine(const RougeWords& text, const Visit& visit) {
    std::size_t begin = 0;
    for (const std::size_t end : text.line_ends) {
      visit(Words(text.words).subspan(begin, end - begin), begin);
      begin = end;
    }
  }

  RougeReader reader;
  RougeWords reference, prediction;
  PairCounts pairs;
  LcsCandidate candidate;
  std::vector<std::uint32_t> reference_left, prediction_left;  // by word
  std::vector<std::uint8_t> in_union;                          // by reference position
};

RougeScorer::RougeScorer(bool stemmer) : impl_(std::make_unique<Impl>(stemmer)) {}
RougeScorer::~RougeScorer() = default;

RougeScores RougeScorer::Score(std::string_view reference, std::string_view prediction) {
  Impl& impl = *impl_;
  impl.reader.Begin();
  impl.reader.Read(reference, impl.reference);
  impl.reader.Read(prediction, impl.prediction);
  RougeScores scores;
  scores.rouge1 = impl.ScoreWords();
  scores.rouge2 = impl.ScorePairs();
  scores.rougeL = impl.ScoreSubsequence();
  const bool one_line_each = impl.reference.line_ends.size() == 1 && impl.prediction.line_ends.size() == 1;
  scores.rougeLsum = one_line_each ? scores.rougeL : impl.ScoreUnion();
  return scores;
}

std::vector<std::string> RougeTokens(std::string_view text, bool stemmer) {
  RougeReader reader(stemmer);
  RougeWords words;
  reader.Begin();
  reader.Read(text, words);
  std::vector<std::string> tokens;
  for (const TokenNumber word : words.words) tokens.push_back(reader.Stem(word));
  return tokens;
}

RougeScores Rouge(std::string_view reference, std::string_view prediction, bool stemmer) {
  thread_local RougeScorer stemming(true), plain(false);
  return (stemmer ? stemming : plain).Score(reference, prediction);
}

}  // namespace lorikeet::text
