// Beam search over one document, step by step, as transformers' generate does it (generation/utils.py,
// _beam_search): the same candidates, length penalty and rules of stopping. Free of tensors. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sweeps/trial/trial.h"
#include "worker/trainer/generate/scores.h"

namespace lorikeet::trainer {

struct Hypothesis {
  std::vector<text::TokenId> tokens;  // the start token first
  float score = 0;  // sum of log likelihoods; of a finished one: divided by length ^ length_penalty
  bool finished = false;
};

class BeamSearch {
 public:
  BeamSearch(const EvaluateSettings& settings, text::TokenId start, text::TokenId end);

  // The hypotheses to go on with: always settings.beams of them.
  const std::vector<Hypothesis>& running() const { return running_; }
  // One step. candidates: the 2 · beams best continuations of running(), best first. Returns, for each
  // hypothesis that runs on, which of the former ones it continues.
  std::vector<std::int64_t> Advance(std::span<const Candidate> candidates);
  // No better summary can be found, or the longest allowed is reached.
  bool done() const { return done_; }
  // The best finished hypothesis; </s> is its last token unless max_new_tokens cut it.
  const Hypothesis& best() const { return finished_.front(); }

 private:
  void Finish(std::span<const Candidate> candidates, const std::vector<bool>& ends, std::int64_t length);
  bool CanImprove(std::int64_t length) const;
  Hypothesis Continue(const Candidate& candidate, float score) const;

  std::int64_t max_new_tokens_;
  double length_penalty_;
  bool stop_early_, never_stop_early_;
  text::TokenId end_;
  std::vector<Hypothesis> running_, finished_;  // both sorted, best first
  bool improvable_ = true, done_ = false;
};

}  // namespace lorikeet::trainer
