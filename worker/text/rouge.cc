#include "worker/text/rouge.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <unordered_map>
#include <utility>

#include "worker/text/rouge_lcs.h"
#include "worker/text/rouge_stemmer.h"

namespace lorikeet::text {
namespace {

// Calls `visit` with each token, lower-cased, not stemmed. rouge_score lower-cases with Python's str.lower(),
// by which exactly two characters beyond ASCII become ASCII letters: the Kelvin sign (k) and the dotted
// capital I (i and a combining dot, which separates).
template <typename Visit>
void ForEachToken(std::string_view text, const Visit& visit) {
  std::string token;
  const auto flush = [&] {
    if (!token.empty()) visit(token);
    token.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      token += c;
    } else if (c >= 'A' && c <= 'Z') {
      token += static_cast<char>(c - 'A' + 'a');
    } else if (text.substr(i, 3) == "\u212A") {
      token += 'k';
      i += 2;
    } else if (text.substr(i, 2) == "\u0130") {
      token += 'i';
      flush();
      i += 1;
    } else {
      flush();
    }
  }
  flush();
}

using Tokens = std::vector<TokenNumber>;

// Numbers for tokens, the same for the same stem, so that texts are compared as numbers. Each spelling is
// stemmed once.
class Interner {
 public:
  explicit Interner(bool stemmer) : stemmer_(stemmer) {}

  Tokens Read(std::string_view text) {
    Tokens tokens;
    ForEachToken(text, [&](const std::string& token) {
      const auto [at, added] = spellings_.try_emplace(token, kDropped);
      if (added) {
        std::string stem = stemmer_ && token.size() > 3 ? PorterStem(token) : token;
        if (!stem.empty()) at->second = stems_.try_emplace(std::move(stem), size()).first->second;
      }
      if (at->second != kDropped) tokens.push_back(at->second);
    });
    return tokens;
  }

  TokenNumber size() const { return static_cast<TokenNumber>(stems_.size()); }

 private:
  static constexpr TokenNumber kDropped = ~TokenNumber{0};

  bool stemmer_;
  std::unordered_map<std::string, TokenNumber> spellings_, stems_;
};

RougeScore Score(std::size_t hits, std::size_t reference, std::size_t prediction) {
  RougeScore score;
  if (reference == 0 || prediction == 0) return score;
  score.precision = static_cast<double>(hits) / static_cast<double>(prediction);
  score.recall = static_cast<double>(hits) / static_cast<double>(reference);
  const double sum = score.precision + score.recall;
  if (sum > 0) score.f1 = 2 * score.precision * score.recall / sum;
  return score;
}

// Tokens (n 1) or pairs of neighbours (n 2), sorted.
std::vector<std::uint64_t> SortedNgrams(const Tokens& tokens, std::size_t n) {
  std::vector<std::uint64_t> ngrams;
  for (std::size_t i = 0; i + n <= tokens.size(); ++i) {
    ngrams.push_back(n == 1 ? tokens[i] : std::uint64_t{tokens[i]} << 32 | tokens[i + 1]);
  }
  std::sort(ngrams.begin(), ngrams.end());
  return ngrams;
}

RougeScore ScoreNgrams(const Tokens& reference, const Tokens& prediction, std::size_t n) {
  const std::vector<std::uint64_t> ours = SortedNgrams(reference, n), theirs = SortedNgrams(prediction, n);
  std::vector<std::uint64_t> common;  // as often as in the one that has it less often
  std::set_intersection(ours.begin(), ours.end(), theirs.begin(), theirs.end(), std::back_inserter(common));
  return Score(common.size(), ours.size(), theirs.size());
}

RougeScore ScoreLcs(const Tokens& reference, const Tokens& prediction, std::size_t vocabulary) {
  if (reference.empty() || prediction.empty()) return {};
  return Score(LcsCandidate(prediction, vocabulary).Length(reference), reference.size(), prediction.size());
}

// Each line's tokens. A line without tokens has no part in any sum.
std::vector<Tokens> ReadLines(std::string_view text, Interner& interner) {
  std::vector<Tokens> lines;
  while (true) {
    const std::size_t end = text.find('\n');
    Tokens tokens = interner.Read(text.substr(0, end));
    if (!tokens.empty()) lines.push_back(std::move(tokens));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

// Counts of tokens over all lines.
std::vector<std::size_t> Count(const std::vector<Tokens>& lines, std::size_t vocabulary, std::size_t* total) {
  std::vector<std::size_t> counts(vocabulary, 0);
  for (const Tokens& line : lines) {
    *total += line.size();
    for (const TokenNumber token : line) ++counts[token];
  }
  return counts;
}

// Section 3.2 of the paper, with rouge_score's (and ROUGE-1.5.5's) rule that no token is counted more often
// than either text has it.
RougeScore ScoreUnionLcs(const std::vector<Tokens>& reference, const std::vector<Tokens>& prediction,
                         std::size_t vocabulary) {
  std::size_t reference_size = 0, prediction_size = 0;
  std::vector<std::size_t> reference_left = Count(reference, vocabulary, &reference_size);
  std::vector<std::size_t> prediction_left = Count(prediction, vocabulary, &prediction_size);
  if (reference_size == 0 || prediction_size == 0) return {};

  std::vector<std::vector<bool>> in_union;
  in_union.reserve(reference.size());
  for (const Tokens& line : reference) in_union.emplace_back(line.size(), false);
  LcsCandidate candidate({}, vocabulary);
  for (const Tokens& line : prediction) {
    candidate.Reset(line);
    for (std::size_t r = 0; r < reference.size(); ++r) candidate.MarkMembers(reference[r], in_union[r]);
  }

  std::size_t hits = 0;
  for (std::size_t r = 0; r < reference.size(); ++r) {
    for (std::size_t i = 0; i < reference[r].size(); ++i) {
      const TokenNumber token = reference[r][i];
      if (!in_union[r][i] || reference_left[token] == 0 || prediction_left[token] == 0) continue;
      ++hits;
      --reference_left[token];
      --prediction_left[token];
    }
  }
  return Score(hits, reference_size, prediction_size);
}

}  // namespace

std::vector<std::string> RougeTokens(std::string_view text, bool stemmer) {
  std::vector<std::string> tokens;
  ForEachToken(text, [&](const std::string& token) {
    std::string stem = stemmer && token.size() > 3 ? PorterStem(token) : token;
    if (!stem.empty()) tokens.push_back(std::move(stem));
  });
  return tokens;
}

RougeScores Rouge(std::string_view reference, std::string_view prediction, bool stemmer) {
  Interner interner(stemmer);
  const std::vector<Tokens> reference_lines = ReadLines(reference, interner);
  const std::vector<Tokens> prediction_lines = ReadLines(prediction, interner);
  const auto join =
      [](const std::vector<Tokens>& lines) {  // a newline separates tokens, so lines' tokens are the text's
        Tokens all;
        for (const Tokens& line : lines) all.insert(all.end(), line.begin(), line.end());
        return all;
      };
  const Tokens reference_tokens = join(reference_lines), prediction_tokens = join(prediction_lines);

  RougeScores scores;
  scores.rouge1 = ScoreNgrams(reference_tokens, prediction_tokens, 1);
  scores.rouge2 = ScoreNgrams(reference_tokens, prediction_tokens, 2);
  scores.rougeL = ScoreLcs(reference_tokens, prediction_tokens, interner.size());
  scores.rougeLsum = ScoreUnionLcs(reference_lines, prediction_lines, interner.size());
  return scores;
}

}  // namespace lorikeet::text
