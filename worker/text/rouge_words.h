// Texts as numbers of their words, for ROUGE: rouge_score's tokenizer, with what was stemmed before
// remembered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "worker/text/rouge_lcs.h"

namespace lorikeet::text {

// The words of one text, line after line.
struct RougeWords {
  std::vector<TokenNumber> words;
  std::vector<std::size_t> line_ends;  // in `words`; a line without words is left out
};

// Numbers for words, equal for equal stems, that count from 0 in each comparison. A spelling is stemmed when
// it is met first; spellings are kept from comparison to comparison, to a bound. Not thread-safe.
class RougeReader {
 public:
  explicit RougeReader(bool stemmer);

  // Begins a comparison: numbers given before mean nothing any more.
  void Begin();
  // Replaces `out` by the text's words. Source of the tokenizer: rouge_score/tokenize.py: lower case, runs of
  // a-z and 0-9, stems of what is longer than three characters.
  void Read(std::string_view text, RougeWords& out);
  // Numbers given since Begin are below this.
  std::size_t size() const { return next_; }
  // The stem of a number given since Begin.
  const std::string& Stem(TokenNumber number) const { return *stem_names_[stem_of_number_[number]]; }

 private:
  using StemIndex = std::uint32_t;
  struct Spelling {  // up to 16 characters, zeros behind them; no word begins with a zero
    std::uint64_t low = 0, high = 0;
    StemIndex stem = 0;
  };
  struct Numbered {
    std::uint64_t comparison = 0;
    TokenNumber number = 0;
  };

  void ReadLine(std::string_view line, std::vector<TokenNumber>& words);
  void Add(StemIndex stem, std::vector<TokenNumber>& words);
  StemIndex StemOfShort(std::uint64_t low, std::uint64_t high);
  StemIndex StemOf(std::string spelling);
  void Grow();
  void Forget();

  const bool stemmer_;
  std::uint64_t comparison_ = 0;
  TokenNumber next_ = 0;
  std::vector<Spelling> table_;  // open addressing; a power of two
  std::size_t spellings_ = 0;
  std::unordered_map<std::string, StemIndex> long_spellings_;  // of more than 16 characters
  std::unordered_map<std::string, StemIndex> stems_;
  std::vector<const std::string*> stem_names_;  // the keys of stems_
  std::vector<Numbered> numbered_;              // by stem
  std::vector<StemIndex> stem_of_number_;
  std::string line_;  // lower-cased, zeros for what separates
};

}  // namespace lorikeet::text
