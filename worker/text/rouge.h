// ROUGE-1, 2, L and Lsum as Google's rouge_score computes them (its tokenizer, its NLTK-flavoured Porter
// stemmer). Source: Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004; rouge_score 0.1.2
// for every detail.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lorikeet::text {

struct RougeScore {  // each 0 to 1
  double precision = 0, recall = 0, f1 = 0;
};

struct RougeScores {
  RougeScore rouge1, rouge2, rougeL, rougeLsum;
};

// rouge_score's tokens: ASCII lower case, everything but [a-z0-9] a separator; with the stemmer, tokens
// longer than three characters are stemmed.
std::vector<std::string> RougeTokens(std::string_view text, bool stemmer);

// Scores pair after pair, with what it has read, stemmed and allocated before at hand. Not thread-safe; keeps
// some 30 MB at most, and what the longest pair needed.
class RougeScorer {
 public:
  explicit RougeScorer(bool stemmer = true);
  ~RougeScorer();
  // Both texts' lines are ROUGE-Lsum's sentences.
  RougeScores Score(std::string_view reference, std::string_view prediction);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The same with the calling thread's own scorer. Thread-safe.
RougeScores Rouge(std::string_view reference, std::string_view prediction, bool stemmer = true);

}  // namespace lorikeet::text
