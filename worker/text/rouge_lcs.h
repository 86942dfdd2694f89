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
// calls, and their memory between candidates). A comparison of n reference with m candidate tokens takes
// O(n m / 64) time.
class LcsCandidate {
 public:
  // Makes it `candidate`, at a cost of its own and the last candidate's length. Its tokens and those of every
  // reference are below `vocabulary`.
  void Reset(std::span<const TokenNumber> candidate, std::size_t vocabulary);

  // The length of a longest common subsequence; O(m) memory.
  std::size_t Length(std::span<const TokenNumber> reference);

  // Sets in_lcs[i] to 1 for the reference tokens of one longest common subsequence: the one that rouge_score
  // finds, which walks back from the ends, and on a tie drops the reference's token. O(n m / 8) bytes of
  // memory.
  void MarkMembers(std::span<const TokenNumber> reference, std::span<std::uint8_t> in_lcs);

 private:
  const std::uint64_t* Mask(TokenNumber token) const {
    return masks_.data() + std::size_t{mask_of_[token]} * words_;
  }
  std::size_t CountGrowth(const std::uint64_t* row, std::size_t columns) const;
  void MarkMembersOfOneWord(std::span<const TokenNumber> reference, std::span<std::uint8_t> in_lcs);

  std::vector<TokenNumber> candidate_;
  std::size_t words_ = 0;               // 64-bit words in a row
  std::vector<std::uint32_t> mask_of_;  // token -> which mask; 0 for one that the candidate lacks
  std::vector<std::uint64_t> masks_;    // [1 + distinct tokens, words]: where in the candidate a token stands
  std::vector<std::uint64_t> rows_;     // [reference + 1, words]
};

}  // namespace lorikeet::text
