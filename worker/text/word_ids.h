// A cache from words to their token ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lorikeet::text {

// Open addressing over two long arrays, of characters and of ids. Forgets everything when it is full. Not
// thread-safe.
class WordIds {
 public:
  WordIds();

  // The ids of `word`, from `encode(word)`, which returns them as a span, where it is a new one. Valid until
  // the next call.
  template <typename Encode>
  std::span<const std::int32_t> Get(std::string_view word, const Encode& encode) {
    const Entry* entry = Find(word);
    if (entry->length == 0) entry = Add(word, encode(word));
    return std::span(ids_).subspan(entry->ids, entry->count);
  }
  static bool Keeps(std::string_view word) { return !word.empty() && word.size() <= kLongestWord; }

 private:
  static constexpr std::size_t kLongestWord = 48;
  struct Entry {
    std::uint32_t hash = 0, word = 0, ids = 0;  // where it begins in words_ and in ids_
    std::uint16_t length = 0, count = 0;        // a length of 0: no entry
  };
  Entry* Find(std::string_view word);
  const Entry* Add(std::string_view word, std::span<const int> ids);
  void Grow();

  std::vector<Entry> table_;  // a power of two
  std::size_t size_ = 0;
  std::string words_;
  std::vector<std::int32_t> ids_;
};

}  // namespace lorikeet::text
