#include "worker/text/rouge_stemmer.h"

#include <array>
#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lorikeet::text {
namespace {

const std::unordered_map<std::string_view, std::string_view>& IrregularForms() {
  static const auto* const kForms = new std::unordered_map<std::string_view, std::string_view>{
      {"sky", "sky"},        {"skies", "sky"},       {"dying", "die"},        {"lying", "lie"},
      {"tying", "tie"},      {"news", "news"},       {"innings", "inning"},   {"inning", "inning"},
      {"outings", "outing"}, {"outing", "outing"},   {"cannings", "canning"}, {"canning", "canning"},
      {"howe", "howe"},      {"proceed", "proceed"}, {"exceed", "exceed"},    {"succeed", "succeed"}};
  return *kForms;
}

bool IsVowelLetter(char c) { return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u'; }

// A word on its way through the steps. Digits count as consonants, as every character but the vowels does.
class Word {
 public:
  explicit Word(std::string text) : text_(std::move(text)) { Classify(); }

  const std::string& text() const { return text_; }
  std::size_t size() const { return text_.size(); }
  bool EndsWith(std::string_view suffix) const { return std::string_view(text_).ends_with(suffix); }
  char At(std::size_t from_end) const { return text_[text_.size() - from_end]; }

  // Porter's m of the first `length` characters: how often a consonant follows a vowel.
  int Measure(std::size_t length) const {
    int measure = 0;
    for (std::size_t i = 1; i < length; ++i) measure += !consonant_[i - 1] && consonant_[i];
    return measure;
  }

  bool ContainsVowel(std::size_t length) const {
    for (std::size_t i = 0; i < length; ++i) {
      if (!consonant_[i]) return true;
    }
    return false;
  }

  bool EndsInDoubleConsonant() const { return size() >= 2 && At(1) == At(2) && consonant_[size() - 1]; }

  // Porter's *o on the first `length` characters; NLTK adds words of a vowel and a consonant.
  bool EndsInCvc(std::size_t length) const {
    if (length == 2) return !consonant_[0] && consonant_[1];
    if (length < 3) return false;
    const char last = text_[length - 1];
    return consonant_[length - 3] && !consonant_[length - 2] && consonant_[length - 1] && last != 'w' &&
           last != 'x' && last != 'y';
  }

  bool IsConsonant(std::size_t i) const { return consonant_[i]; }

  // Takes `suffix` characters off the end and puts `replacement` there.
  void Replace(std::size_t suffix, std::string_view replacement) {
    text_.replace(text_.size() - suffix, suffix, replacement);
    Classify();
  }

 private:
  // y is a consonant at the start and after a vowel.
  void Classify() {
    consonant_.resize(text_.size());
    for (std::size_t i = 0; i < text_.size(); ++i) {
      consonant_[i] = text_[i] == 'y' ? (i == 0 || !consonant_[i - 1]) : !IsVowelLetter(text_[i]);
    }
  }

  std::string text_;
  std::vector<bool> consonant_;
};

struct Rule {
  std::string_view suffix, replacement;
};

// The first rule whose suffix fits decides; it applies where the stem's measure is above `above`.
template <std::size_t N>
void ApplyFirst(Word& word, const std::array<Rule, N>& rules, int above) {
  for (const Rule& rule : rules) {
    if (!word.EndsWith(rule.suffix)) continue;
    if (word.Measure(word.size() - rule.suffix.size()) > above)
      word.Replace(rule.suffix.size(), rule.replacement);
    return;
  }
}

void Step1a(Word& word) {
  if (word.EndsWith("ies")) {
    word.Replace(3, word.size() == 4 ? "ie" : "i");
  } else if (word.EndsWith("sses")) {
    word.Replace(2, "");
  } else if (word.EndsWith("s") && !word.EndsWith("ss")) {
    word.Replace(1, "");
  }
}

void Step1b(Word& word) {
  if (word.EndsWith("ied")) {
    word.Replace(3, word.size() == 4 ? "ie" : "i");
    return;
  }
  if (word.EndsWith("eed")) {
    if (word.Measure(word.size() - 3) > 0) word.Replace(1, "");
    return;
  }
  const std::size_t suffix = word.EndsWith("ed") ? 2 : word.EndsWith("ing") ? 3 : 0;
  if (suffix == 0 || !word.ContainsVowel(word.size() - suffix)) return;
  word.Replace(suffix, "");
  const bool doubled = word.EndsInDoubleConsonant();
  const bool short_stem = !doubled && word.Measure(word.size()) == 1 && word.EndsInCvc(word.size());
  if (word.EndsWith("at") || word.EndsWith("bl") || word.EndsWith("iz") || short_stem) {
    word.Replace(0, "e");
  } else if (doubled && !word.EndsWith("l") && !word.EndsWith("s") && !word.EndsWith("z")) {
    word.Replace(1, "");
  }
}

// NLTK: only after a consonant, and not in words of two letters.
void Step1c(Word& word) {
  if (word.EndsWith("y") && word.size() > 2 && word.IsConsonant(word.size() - 2)) word.Replace(1, "i");
}

void Step2(Word& word) {
  static constexpr std::array<Rule, 21> kRules = {
      {{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"},
       {"bli", "ble"},     {"alli", "al"},     {"entli", "ent"}, {"eli", "e"},     {"ousli", "ous"},
       {"ization", "ize"}, {"ation", "ate"},   {"ator", "ate"},  {"alism", "al"},  {"iveness", "ive"},
       {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"},  {"iviti", "ive"}, {"biliti", "ble"},
       {"fulli", "ful"}}};
  // NLTK takes "alli" first and then the step's other suffixes.
  while (word.EndsWith("alli") && word.Measure(word.size() - 4) > 0) word.Replace(4, "al");
  if (word.EndsWith("logi")) {  // the l counts with the stem, so that "geologi" and "theologi" are shortened
    if (word.Measure(word.size() - 3) > 0) word.Replace(1, "");
    return;
  }
  ApplyFirst(word, kRules, 0);
}

void Step3(Word& word) {
  static constexpr std::array<Rule, 7> kRules = {{{"icate", "ic"},
                                                  {"ative", ""},
                                                  {"alize", "al"},
                                                  {"iciti", "ic"},
                                                  {"ical", "ic"},
                                                  {"ful", ""},
                                                  {"ness", ""}}};
  ApplyFirst(word, kRules, 0);
}

void Step4(Word& word) {
  static constexpr std::array<Rule, 18> kRules = {{{"al", ""},
                                                   {"ance", ""},
                                                   {"ence", ""},
                                                   {"er", ""},
                                                   {"ic", ""},
                                                   {"able", ""},
                                                   {"ible", ""},
                                                   {"ant", ""},
                                                   {"ement", ""},
                                                   {"ment", ""},
                                                   {"ent", ""},
                                                   {"ou", ""},
                                                   {"ism", ""},
                                                   {"ate", ""},
                                                   {"iti", ""},
                                                   {"ous", ""},
                                                   {"ive", ""},
                                                   {"ize", ""}}};
  if (word.EndsWith("ion")) {
    const std::size_t stem = word.size() - 3;
    if (word.Measure(stem) > 1 && (word.At(4) == 's' || word.At(4) == 't')) word.Replace(3, "");
    return;
  }
  ApplyFirst(word, kRules, 1);
}

void Step5(Word& word) {
  if (word.EndsWith("e")) {
    const std::size_t stem = word.size() - 1;
    const int measure = word.Measure(stem);
    if (measure > 1 || (measure == 1 && !word.EndsInCvc(stem))) word.Replace(1, "");
  }
  if (word.EndsWith("ll") && word.Measure(word.size() - 1) > 1) word.Replace(1, "");
}

}  // namespace

std::string PorterStem(std::string text) {
  const auto irregular = IrregularForms().find(text);
  if (irregular != IrregularForms().end()) return std::string(irregular->second);
  Word word(std::move(text));
  Step1a(word);
  Step1b(word);
  Step1c(word);
  Step2(word);
  Step3(word);
  Step4(word);
  Step5(word);
  return word.text();
}

}  // namespace lorikeet::text
