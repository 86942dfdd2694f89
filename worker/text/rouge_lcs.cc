#include "worker/text/rouge_lcs.h"

#include <array>
#include <bit>
#include <utility>

namespace lorikeet::text {
namespace {

constexpr std::uint64_t kAllOnes = ~std::uint64_t{0};

// One row of the table from the row before: bit j is 0 where the length grows from column j to j + 1.
// `after` may be `before`.
inline void NextRow(const std::uint64_t* mask, std::size_t words, const std::uint64_t* before,
                    std::uint64_t* after) {
  bool carry = false;
  for (std::size_t w = 0; w < words; ++w) {
    const std::uint64_t row = before[w];
    std::uint64_t sum = 0;
    const bool first = __builtin_add_overflow(row, row & mask[w], &sum);
    const bool second = __builtin_add_overflow(sum, std::uint64_t{carry}, &sum);
    carry = first || second;
    after[w] = sum | (row & ~mask[w]);
  }
}

// The last row's zeros, with the row in registers: most texts fit eight words. Columns past the candidate's
// end match nothing and stay ones.
template <std::size_t kWords>
std::size_t LengthInRegisters(std::span<const TokenNumber> reference, const std::uint32_t* mask_of,
                              const std::uint64_t* masks) {
  std::array<std::uint64_t, kWords> row;
  row.fill(kAllOnes);
  for (const TokenNumber token : reference) {
    NextRow(masks + std::size_t{mask_of[token]} * kWords, kWords, row.data(), row.data());
  }
  std::size_t length = 0;
  for (const std::uint64_t word : row) length += static_cast<std::size_t>(std::popcount(~word));
  return length;
}

using LengthFunction = std::size_t (*)(std::span<const TokenNumber>, const std::uint32_t*,
                                       const std::uint64_t*);
template <std::size_t... kWords>
constexpr std::array<LengthFunction, sizeof...(kWords)> LengthFunctions(std::index_sequence<kWords...>) {
  return {LengthInRegisters<kWords + 1>...};
}
constexpr auto kLengthFunctions = LengthFunctions(std::make_index_sequence<8>());

// The lowest `columns` bits, of at most 64.
std::uint64_t LowBits(std::size_t columns) { return columns == 0 ? 0 : kAllOnes >> (64 - columns); }

bool Grows(const std::uint64_t* row, std::size_t column) {
  return ((row[column / 64] >> (column % 64)) & 1) == 0;
}

}  // namespace

void LcsCandidate::Reset(std::span<const TokenNumber> candidate, std::size_t vocabulary) {
  for (const TokenNumber token : candidate_) mask_of_[token] = 0;
  candidate_.assign(candidate.begin(), candidate.end());
  if (mask_of_.size() < vocabulary) mask_of_.resize(vocabulary, 0);
  words_ = (candidate_.size() + 63) / 64;
  std::uint32_t count = 1;
  for (const TokenNumber token : candidate_) {
    if (mask_of_[token] == 0) mask_of_[token] = count++;
  }
  masks_.assign(count * words_, 0);
  for (std::size_t j = 0; j < candidate_.size(); ++j) {
    masks_[mask_of_[candidate_[j]] * words_ + j / 64] |= std::uint64_t{1} << (j % 64);
  }
}

std::size_t LcsCandidate::CountGrowth(const std::uint64_t* row, std::size_t columns) const {
  std::size_t count = 0;
  for (std::size_t w = 0; w < columns / 64; ++w) count += static_cast<std::size_t>(std::popcount(~row[w]));
  if (const std::size_t rest = columns % 64; rest != 0) {
    count += static_cast<std::size_t>(std::popcount(~row[columns / 64] & LowBits(rest)));
  }
  return count;
}

std::size_t LcsCandidate::Length(std::span<const TokenNumber> reference) {
  if (words_ == 0) return 0;
  if (words_ <= kLengthFunctions.size()) {
    return kLengthFunctions[words_ - 1](reference, mask_of_.data(), masks_.data());
  }
  rows_.assign(words_, kAllOnes);
  for (const TokenNumber token : reference) {
    if (mask_of_[token] != 0) NextRow(Mask(token), words_, rows_.data(), rows_.data());
  }
  return CountGrowth(rows_.data(), candidate_.size());
}

// Walks back as rouge_score does. `here` and `above` are the lengths at (i, j) and (i - 1, j). Without a
// match, rouge_score drops the candidate's token where (i, j - 1) is longer than (i - 1, j), which is where
// `here` is longer than `above`.
void LcsCandidate::MarkMembers(std::span<const TokenNumber> reference, std::span<std::uint8_t> in_lcs) {
  if (words_ == 0) return;
  if (words_ == 1) return MarkMembersOfOneWord(reference, in_lcs);
  rows_.resize((reference.size() + 1) * words_);
  for (std::size_t w = 0; w < words_; ++w) rows_[w] = kAllOnes;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    NextRow(Mask(reference[i]), words_, rows_.data() + i * words_, rows_.data() + (i + 1) * words_);
  }
  std::size_t i = reference.size(), j = candidate_.size();
  std::size_t here = CountGrowth(rows_.data() + i * words_, j);
  while (i > 0 && here > 0) {
    const std::uint64_t* row = rows_.data() + i * words_;
    const std::uint64_t* row_above = row - words_;
    std::size_t above = CountGrowth(row_above, j);
    bool matched = false;
    while (j > 0) {
      matched = reference[i - 1] == candidate_[j - 1];
      if (matched || here <= above) break;
      --j;
      here -= Grows(row, j) ? 1 : 0;
      above -= Grows(row_above, j) ? 1 : 0;
    }
    if (j == 0) return;
    if (matched) {
      in_lcs[i - 1] = 1;
      --j;
      above -= Grows(row_above, j) ? 1 : 0;
    }
    --i;
    here = above;
  }
}

// The same for sentences, whose rows are numbers.
void LcsCandidate::MarkMembersOfOneWord(std::span<const TokenNumber> reference,
                                        std::span<std::uint8_t> in_lcs) {
  std::uint64_t columns = LowBits(candidate_.size());  // the lowest j
  rows_.resize(reference.size() + 1);                  // a bit is set where the length grows
  rows_[0] = 0;
  std::uint64_t row = kAllOnes;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const std::uint64_t mask = *Mask(reference[i]);
    row = (row + (row & mask)) | (row & ~mask);
    rows_[i + 1] = ~row & columns;
  }
  int here = std::popcount(rows_[reference.size()]);
  for (std::size_t i = reference.size(); i > 0 && here > 0; --i) {
    const std::uint64_t mask = *Mask(reference[i - 1]);
    int above = std::popcount(rows_[i - 1] & columns);
    while (columns != 0) {
      const std::uint64_t last = columns ^ (columns >> 1);
      const bool matched = (mask & last) != 0;
      if (!matched && here <= above) break;
      columns ^= last;
      above -= (rows_[i - 1] & last) != 0 ? 1 : 0;
      if (matched) {
        in_lcs[i - 1] = 1;
        break;
      }
      here -= (rows_[i] & last) != 0 ? 1 : 0;
    }
    here = above;
  }
}

}  // namespace lorikeet::text
