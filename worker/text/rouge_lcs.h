// Longest common subsequences of token sequences, many columns at a time.
// Source: Hyyrö, "Bit-parallel LCS-length computation revisited", AWOCA 2004.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lorikeet::text {

using TokenNumber = std::uint32_t;  // an interned token: equal numbers, equal words

// One candidate, to be compared with any number of references. Not thread-safe (it keeps its rows between
// calls). A comparison of n reference with m candidate tokens takes O(n m / 64) time.
class LcsCandidate {
 public:
  // Tokens of the candidate and of every reference are below `vocabulary`.
  LcsCandidate(std::span<const TokenNumber> candidate, std::size_t vocabulary);

  // Makes it another candidate of the same vocabulary, at a cost of that candidate's length alone.
  void Reset(std::span<const TokenNumber> candidate);

  // The length of a longest common subsequence; O(m) memory.
  std::size_t Length(std::span<const TokenNumber> reference);

  // Sets in_lcs[i] for the reference tokens of one longest common subsequence: the one that rouge_score
  // finds, which walks back from the ends, and on a tie drops the reference's token. O(n m / 8) bytes of
  // memory.
  void MarkMembers(std::span<const TokenNumber> reference, std::vector<bool>& in_lcs);

 private:
  static constexpr std::uint32_t kNoMask = ~std::uint32_t{0};

  const std::uint64_t* Mask(TokenNumber token) const;
  // One row of the table from the row before: bit j is 0 where the length grows from column j to j + 1.
  void NextRow(TokenNumber token, const std::uint64_t* before, std::uint64_t* after) const;
  std::size_t CountGrowth(const std::uint64_t* row, std::size_t columns) const;

  std::vector<TokenNumber> candidate_;
  std::size_t words_ = 0;               // 64-bit words in a row
  std::vector<std::uint32_t> mask_of_;  // token -> which mask, or kNoMask
  std::vector<std::uint64_t> masks_;    // [distinct tokens, words]: where in the candidate a token stands
  std::vector<std::uint64_t> rows_;     // [reference + 1, words]
};

}  // namespace lorikeet::text
