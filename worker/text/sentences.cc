#include "worker/text/sentences.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace lorikeet::text {
namespace {

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool IsLineBreak(char c) { return c == '\n' || c == '\r'; }
bool IsStop(char c) { return c == '.' || c == '!' || c == '?'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }

char Lower(char c) { return IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

// Marks that close and open what is quoted or bracketed. Straight quotes do both.
constexpr std::array<std::string_view, 8> kClosing = {")", "]", "}", "\u201D", "\u2019", "\u00BB", "\"", "'"};
constexpr std::size_t kOnlyClosing = 6;  // the first six never open
constexpr std::array<std::string_view, 8> kOpening = {"(", "[", "{", "\u201C", "\u2018", "\u00AB", "\"", "'"};

// Bytes of the mark of `marks` at `at`, 0 for none.
std::size_t MarkAt(std::string_view text, std::size_t at, const std::array<std::string_view, 8>& marks,
                   std::size_t first_marks = 8) {
  for (std::size_t i = 0; i < first_marks; ++i) {
    if (text.substr(at).starts_with(marks[i])) return marks[i].size();
  }
  return 0;
}

constexpr std::array<std::string_view, 26> kAbbreviations = {
    "al",     "approx", "ca",  "capt", "cf", "col",  "dept", "dr",  "eg",  "gen", "ie", "jr",  "lt",
    "messrs", "mr",     "mrs", "ms",   "mt", "prof", "resp", "rev", "sgt", "sr",  "st", "viz", "vs"};
constexpr std::array<std::string_view, 20> kBeforeNumbers = {
    "art", "ch",  "chap", "eq", "eqs", "eqn",  "eqns", "ex",  "fig",  "figs",
    "no",  "nos", "p",    "pp", "ref", "refs", "sec",  "tab", "tabs", "vol"};

// "J" of "J. Smith", "e.g", "u.s.a": letters with dots between them.
bool IsLettersAndDots(std::string_view word) {
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (i % 2 == 0 ? !IsLower(Lower(word[i])) : word[i] != '.') return false;
  }
  return word.size() % 2 == 1;
}

// A full stop after `word` is the word's own. `next` is the first character of what follows, '\0' at the end.
bool IsAbbreviation(std::string_view word, bool stop_is_attached, char next) {
  while (!word.empty() && IsAscii(word.front()) && !IsLower(Lower(word.front())) && !IsDigit(word.front())) {
    word.remove_prefix(1);
  }
  if (word.empty() || word.size() > 16) return false;
  if (stop_is_attached && IsLettersAndDots(word)) return true;
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(), Lower);
  if (std::find(kAbbreviations.begin(), kAbbreviations.end(), lower) != kAbbreviations.end()) return true;
  return IsDigit(next) &&
         std::find(kBeforeNumbers.begin(), kBeforeNumbers.end(), lower) != kBeforeNumbers.end();
}

// The word that ends before `end`, looking back no further than `begin`.
std::string_view WordBefore(std::string_view text, std::size_t begin, std::size_t end) {
  std::size_t start = end;
  while (start > begin && !IsSpace(text[start - 1])) --start;
  return text.substr(start, end - start);
}

std::size_t SkipSpaces(std::string_view text, std::size_t at) {
  while (at < text.size() && IsSpace(text[at]) && !IsLineBreak(text[at])) ++at;
  return at;
}

// Past stops and closing marks at `at`; marks and stops that stand alone between spaces (". . .", ". )")
// belong to it.
std::size_t SkipStop(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (at < text.size()) {
    if (IsStop(text[at])) {
      ++at;
    } else if (const std::size_t mark = MarkAt(text, at, kClosing); mark > 0) {
      at += mark;
    } else {
      break;
    }
  }
  end = at;
  while (true) {  // what stands alone
    at = SkipSpaces(text, end);
    if (at == end) return end;
    const std::size_t start = at;
    while (at < text.size()) {
      const std::size_t mark = IsStop(text[at]) ? 1 : MarkAt(text, at, kClosing, kOnlyClosing);
      if (mark == 0) break;
      at += mark;
    }
    if (at == start || (at < text.size() && !IsSpace(text[at]))) return end;
    end = at;
  }
}

// Whether the stop at `at`, whose marks end at `end`, ends the sentence that began at `begin`.
bool EndsSentence(std::string_view text, std::size_t begin, std::size_t at, std::size_t end, bool cased) {
  if (end < text.size() && !IsSpace(text[end])) return false;
  std::size_t next = SkipSpaces(text, end);
  if (next == text.size() || IsLineBreak(text[next])) return true;
  while (next < text.size()) {
    const std::size_t mark = MarkAt(text, next, kOpening);
    if (mark == 0) break;
    next = SkipSpaces(text, next + mark);
  }
  const char first = next < text.size() ? text[next] : '\0';
  if (cased && IsLower(first)) return false;
  if (text[at] != '.') return true;
  std::size_t word_end = at;
  while (word_end > begin && IsSpace(text[word_end - 1])) --word_end;
  return !IsAbbreviation(WordBefore(text, begin, word_end), word_end == at, first);
}

void Add(std::string_view sentence, std::vector<std::string>& sentences) {
  while (!sentence.empty() && IsSpace(sentence.front())) sentence.remove_prefix(1);
  while (!sentence.empty() && IsSpace(sentence.back())) sentence.remove_suffix(1);
  if (!sentence.empty()) sentences.emplace_back(sentence);
}

}  // namespace

std::vector<std::string> SplitSentences(std::string_view text) {
  const bool cased = std::any_of(text.begin(), text.end(), IsUpper);
  std::vector<std::string> sentences;
  std::size_t begin = 0, at = 0;
  while (at < text.size()) {
    if (IsLineBreak(text[at])) {
      Add(text.substr(begin, at - begin), sentences);
      begin = ++at;
    } else if (IsStop(text[at])) {
      const std::size_t end = SkipStop(text, at);
      if (EndsSentence(text, begin, at, end, cased)) {
        Add(text.substr(begin, end - begin), sentences);
        begin = end;
      }
      at = end;
    } else {
      ++at;
    }
  }
  Add(text.substr(begin), sentences);
  return sentences;
}

std::string SentencePerLine(std::string_view text, const std::string& sentence_split) {
  if (sentence_split == "newline") return std::string(text);
  std::string lines;
  for (const std::string& sentence : SplitSentences(text)) {
    if (!lines.empty()) lines += '\n';
    lines += sentence;
  }
  return lines;
}

}  // namespace lorikeet::text
