#include "worker/text/rouge_words.h"

#include <bit>
#include <cstring>
#include <utility>

#include "worker/text/rouge_stemmer.h"

namespace lorikeet::text {
namespace {

static_assert(std::endian::native == std::endian::little, "words are read as little-endian numbers");

constexpr std::size_t kWordBytes = 8, kShortWord = 2 * kWordBytes;
constexpr std::size_t kFirstSlots = 1 << 12;
// Beyond these, spellings are forgotten between two comparisons: some 30 MB.
constexpr std::size_t kMostSpellings = 1 << 18;
constexpr std::uint32_t kNoStem = ~std::uint32_t{0};  // of a word whose stem is empty: it is dropped

std::uint64_t Load(const char* at) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, at, sizeof(bytes));
  return bytes;
}

// A set bit at the top of the first zero byte, and perhaps above it; none where there is no zero byte.
std::uint64_t ZeroByte(std::uint64_t bytes) {
  return (bytes - 0x0101010101010101u) & ~bytes & 0x8080808080808080u;
}

// The bytes before the first zero byte that `zero` tells of.
std::uint64_t Before(std::uint64_t bytes, std::uint64_t zero) { return bytes & ((zero ^ (zero - 1)) >> 8); }

std::size_t SlotOf(std::uint64_t low, std::uint64_t high, std::size_t slots) {
  const std::uint64_t mixed = (low ^ std::rotl(high, 23)) * 0x9E3779B97F4A7C15u;
  return static_cast<std::size_t>(mixed ^ (mixed >> 32)) & (slots - 1);
}

// rouge_score lower-cases with Python's str.lower(), by which exactly two characters beyond ASCII become
// ASCII letters: the Kelvin sign (k) and the dotted capital I (i and a combining dot, which separates).
std::string WithoutLettersBeyondAscii(std::string_view line) {
  std::string plain;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line.substr(i, 3) == "\u212A") {
      plain += 'k';
      i += 2;
    } else if (line.substr(i, 2) == "\u0130") {
      plain += "i ";
      i += 1;
    } else {
      plain += line[i];
    }
  }
  return plain;
}

}  // namespace

RougeReader::RougeReader(bool stemmer) : stemmer_(stemmer) { Forget(); }

void RougeReader::Forget() {
  table_.assign(kFirstSlots, {});
  spellings_ = 0;
  long_spellings_.clear();
  stems_.clear();
  stem_names_.clear();
  numbered_.clear();
}

void RougeReader::Begin() {
  if (spellings_ + long_spellings_.size() > kMostSpellings) Forget();
  ++comparison_;
  next_ = 0;
  stem_of_number_.clear();
}

void RougeReader::Read(std::string_view text, RougeWords& out) {
  out.words.clear();
  out.line_ends.clear();
  while (true) {
    const std::size_t end = text.find('\n');
    const std::size_t before = out.words.size();
    ReadLine(text.substr(0, end), out.words);
    if (out.words.size() > before) out.line_ends.push_back(out.words.size());
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

void RougeReader::ReadLine(std::string_view line, std::vector<TokenNumber>& words) {
  if (line.find("\u212A") != std::string_view::npos || line.find("\u0130") != std::string_view::npos) {
    return ReadLine(WithoutLettersBeyondAscii(line), words);
  }
  line_.resize(line.size() + kShortWord);
  unsigned char* const bytes = reinterpret_cast<unsigned char*>(line_.data());
  for (std::size_t i = 0; i < line.size(); ++i) {  // without branches: the compiler takes 16 at a time
    const auto c = static_cast<unsigned char>(line[i]);
    const auto lower = static_cast<unsigned char>(c | 0x20);
    const bool letter = static_cast<unsigned char>(lower - 'a') < 26;
    const bool digit = static_cast<unsigned char>(c - '0') < 10;
    bytes[i] = static_cast<unsigned char>((letter ? lower : 0) | (digit ? c : 0));
  }
  std::memset(bytes + line.size(), 0, kShortWord);

  const char* at = line_.data();
  const char* const end = at + line.size();
  while (at < end) {
    const std::uint64_t low = Load(at);
    if ((low & 0xFF) == 0) {
      at += low == 0 ? kWordBytes : static_cast<std::size_t>(std::countr_zero(low)) / 8;
      continue;
    }
    if (const std::uint64_t zero = ZeroByte(low); zero != 0) {
      Add(StemOfShort(Before(low, zero), 0), words);
      at += static_cast<std::size_t>(std::countr_zero(zero)) / 8;
      continue;
    }
    const std::uint64_t high = Load(at + kWordBytes);
    if (const std::uint64_t zero = ZeroByte(high); zero != 0) {
      Add(StemOfShort(low, Before(high, zero)), words);
      at += kWordBytes + static_cast<std::size_t>(std::countr_zero(zero)) / 8;
      continue;
    }
    const std::string spelling(at);  // ends at its zero
    const auto [found, fresh] = long_spellings_.try_emplace(spelling, 0);
    if (fresh) found->second = StemOf(spelling);
    Add(found->second, words);
    at += spelling.size();
  }
}

void RougeReader::Add(StemIndex stem, std::vector<TokenNumber>& words) {
  if (stem == kNoStem) return;
  Numbered& numbered = numbered_[stem];
  if (numbered.comparison != comparison_) {
    numbered = {comparison_, next_++};
    stem_of_number_.push_back(stem);
  }
  words.push_back(numbered.number);
}

RougeReader::StemIndex RougeReader::StemOfShort(std::uint64_t low, std::uint64_t high) {
  std::size_t slot = SlotOf(low, high, table_.size());
  for (; table_[slot].low != 0; slot = (slot + 1) & (table_.size() - 1)) {
    if (table_[slot].low == low && table_[slot].high == high) return table_[slot].stem;
  }
  char spelling[kShortWord + 1] = {};
  std::memcpy(spelling, &low, kWordBytes);
  std::memcpy(spelling + kWordBytes, &high, kWordBytes);
  const StemIndex stem = StemOf(spelling);
  table_[slot] = {low, high, stem};
  if (++spellings_ * 2 > table_.size()) Grow();
  return stem;
}

RougeReader::StemIndex RougeReader::StemOf(std::string spelling) {
  std::string stem = stemmer_ && spelling.size() > 3 ? PorterStem(std::move(spelling)) : std::move(spelling);
  if (stem.empty()) return kNoStem;
  const auto [found, fresh] = stems_.try_emplace(std::move(stem), static_cast<StemIndex>(stem_names_.size()));
  if (fresh) {
    stem_names_.push_back(&found->first);
    numbered_.emplace_back();
  }
  return found->second;
}

void RougeReader::Grow() {
  std::vector<Spelling> larger(table_.size() * 2);
  for (const Spelling& spelling : table_) {
    if (spelling.low == 0) continue;
    std::size_t slot = SlotOf(spelling.low, spelling.high, larger.size());
    while (larger[slot].low != 0) slot = (slot + 1) & (larger.size() - 1);
    larger[slot] = spelling;
  }
  table_ = std::move(larger);
}

}  // namespace lorikeet::text
