#include "worker/text/word_ids.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace lorikeet::text {
namespace {

constexpr std::size_t kFirstSlots = 256, kMostWords = std::size_t{1} << 18;

std::uint32_t HashOf(std::string_view word) {
  constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15u;
  std::uint64_t hash = word.size() * kMultiplier;
  while (!word.empty()) {
    std::uint64_t bytes = 0;
    const std::size_t taken = std::min(word.size(), sizeof(bytes));
    std::memcpy(&bytes, word.data(), taken);
    hash = (hash ^ bytes) * kMultiplier;
    hash ^= hash >> 32;
    word.remove_prefix(taken);
  }
  return static_cast<std::uint32_t>(hash);
}

}  // namespace

WordIds::WordIds() : table_(kFirstSlots) {}

WordIds::Entry* WordIds::Find(std::string_view word) {
  const std::uint32_t hash = HashOf(word);
  for (std::size_t slot = hash & (table_.size() - 1);; slot = (slot + 1) & (table_.size() - 1)) {
    Entry& entry = table_[slot];
    if (entry.length == 0) {
      entry.hash = hash;
      return &entry;
    }
    if (entry.hash == hash && entry.length == word.size() &&
        std::memcmp(words_.data() + entry.word, word.data(), word.size()) == 0) {
      return &entry;
    }
  }
}

const WordIds::Entry* WordIds::Add(std::string_view word, std::span<const int> ids) {
  if (size_ == kMostWords) {
    table_.assign(kFirstSlots, {});
    size_ = 0;
    words_.clear();
    ids_.clear();
  }
  if (2 * (size_ + 1) > table_.size()) Grow();
  Entry* const entry = Find(word);
  entry->word = static_cast<std::uint32_t>(words_.size());
  entry->ids = static_cast<std::uint32_t>(ids_.size());
  entry->length = static_cast<std::uint16_t>(word.size());
  entry->count = static_cast<std::uint16_t>(ids.size());
  words_ += word;
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  ++size_;
  return entry;
}

void WordIds::Grow() {
  std::vector<Entry> larger(table_.size() * 2);
  for (const Entry& entry : table_) {
    if (entry.length == 0) continue;
    std::size_t slot = entry.hash & (larger.size() - 1);
    while (larger[slot].length != 0) slot = (slot + 1) & (larger.size() - 1);
    larger[slot] = entry;
  }
  table_ = std::move(larger);
}

}  // namespace lorikeet::text
