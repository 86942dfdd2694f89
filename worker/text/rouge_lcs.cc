#include "worker/text/rouge_lcs.h"

#include <bit>

namespace lorikeet::text {
namespace {

bool Grows(const std::uint64_t* row, std::size_t column) {
  return ((row[column / 64] >> (column % 64)) & 1) == 0;
}

}  // namespace

LcsCandidate::LcsCandidate(std::span<const TokenNumber> candidate, std::size_t vocabulary)
    : mask_of_(vocabulary, kNoMask) {
  Reset(candidate);
}

void LcsCandidate::Reset(std::span<const TokenNumber> candidate) {
  for (const TokenNumber token : candidate_) mask_of_[token] = kNoMask;
  candidate_.assign(candidate.begin(), candidate.end());
  words_ = (candidate_.size() + 63) / 64;
  masks_.clear();
  for (std::size_t j = 0; j < candidate_.size(); ++j) {
    std::uint32_t& mask = mask_of_[candidate_[j]];
    if (mask == kNoMask) {
      mask = static_cast<std::uint32_t>(words_ == 0 ? 0 : masks_.size() / words_);
      masks_.resize(masks_.size() + words_, 0);
    }
    masks_[mask * words_ + j / 64] |= std::uint64_t{1} << (j % 64);
  }
}

const std::uint64_t* LcsCandidate::Mask(TokenNumber token) const {
  return mask_of_[token] == kNoMask ? nullptr : masks_.data() + std::size_t{mask_of_[token]} * words_;
}

void LcsCandidate::NextRow(TokenNumber token, const std::uint64_t* before, std::uint64_t* after) const {
  const std::uint64_t* mask = Mask(token);
  std::uint64_t carry = 0;
  for (std::size_t w = 0; w < words_; ++w) {
    const std::uint64_t row = before[w];
    if (mask == nullptr) {
      after[w] = row;
      continue;
    }
    const std::uint64_t matches = row & mask[w];
    const std::uint64_t with_carry = row + carry;  // wraps to 0 only from all ones, and then carries on
    const std::uint64_t sum = with_carry + matches;
    carry = (with_carry < row || sum < matches) ? 1 : 0;
    after[w] = sum | (row & ~mask[w]);
  }
}

std::size_t LcsCandidate::CountGrowth(const std::uint64_t* row, std::size_t columns) const {
  std::size_t count = 0;
  for (std::size_t w = 0; w < columns / 64; ++w) count += static_cast<std::size_t>(std::popcount(~row[w]));
  if (const std::size_t rest = columns % 64; rest != 0) {
    count += static_cast<std::size_t>(std::popcount(~row[columns / 64] & ((std::uint64_t{1} << rest) - 1)));
  }
  return count;
}

std::size_t LcsCandidate::Length(std::span<const TokenNumber> reference) {
  rows_.assign(words_, ~std::uint64_t{0});
  for (const TokenNumber token : reference) NextRow(token, rows_.data(), rows_.data());
  return CountGrowth(rows_.data(), candidate_.size());
}

void LcsCandidate::MarkMembers(std::span<const TokenNumber> reference, std::vector<bool>& in_lcs) {
  if (words_ == 0) return;
  rows_.assign((reference.size() + 1) * words_, ~std::uint64_t{0});
  for (std::size_t i = 0; i < reference.size(); ++i) {
    NextRow(reference[i], rows_.data() + i * words_, rows_.data() + (i + 1) * words_);
  }
  std::size_t i = reference.size(), j = candidate_.size();
  // `here` and `above` are the lengths at (i, j) and (i - 1, j). Without a match, rouge_score drops the
  // candidate's token where (i, j - 1) is longer than (i - 1, j), which is where `here` is longer than
  // `above`.
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
      in_lcs[i - 1] = true;
      --j;
      above -= Grows(row_above, j) ? 1 : 0;
    }
    --i;
    here = above;
  }
}

}  // namespace lorikeet::text
