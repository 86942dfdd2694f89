#include "worker/trainer/generate/beams.h"

#include <algorithm>
#include <cmath>

namespace lorikeet::trainer {
namespace {

// What transformers adds to scores that must not be chosen. Sums in float, as there: ties fall alike.
constexpr float kUnwanted = -1e9f;

}  // namespace

BeamSearch::BeamSearch(const EvaluateSettings& settings, text::TokenId start, text::TokenId end)
    : max_new_tokens_(settings.max_new_tokens),
      length_penalty_(settings.length_penalty),
      stop_early_(settings.early_stopping == "true"),
      never_stop_early_(settings.early_stopping == "never"),
      end_(end),
      // All but the first start far behind: the first step would else find every continuation several times.
      running_(static_cast<std::size_t>(settings.beams), Hypothesis{{start}, kUnwanted}),
      finished_(running_) {
  running_.front().score = 0;
}

Hypothesis BeamSearch::Continue(const Candidate& candidate, float score) const {
  Hypothesis hypothesis{running_[static_cast<std::size_t>(candidate.row)].tokens, score};
  hypothesis.tokens.push_back(candidate.token);
  return hypothesis;
}

std::vector<std::int64_t> BeamSearch::Advance(std::span<const Candidate> candidates) {
  const auto length =
      static_cast<std::int64_t>(running_.front().tokens.size());  // generated, this step's included
  const bool at_limit = length >= max_new_tokens_;
  std::vector<bool> ends;
  for (const Candidate& candidate : candidates) ends.push_back(at_limit || candidate.token == end_);
  Finish(candidates, ends, length);

  // Candidates are sorted, and at most half of them end before the limit.
  std::vector<Hypothesis> next;
  std::vector<std::int64_t> origins;
  for (std::size_t i = 0; i < candidates.size() && next.size() < running_.size() && !at_limit; ++i) {
    if (ends[i]) continue;
    next.push_back(Continue(candidates[i], candidates[i].score));
    origins.push_back(candidates[i].row);
  }
  if (next.size() < running_.size()) {  // the limit
    done_ = true;
    return origins;
  }
  running_ = std::move(next);
  improvable_ = improvable_ && CanImprove(length);
  const bool full =
      std::all_of(finished_.begin(), finished_.end(), [](const Hypothesis& h) { return h.finished; });
  done_ = !improvable_ || (stop_early_ && full);
  return origins;
}

void BeamSearch::Finish(std::span<const Candidate> candidates, const std::vector<bool>& ends,
                        std::int64_t length) {
  const auto penalty = static_cast<float>(std::pow(static_cast<double>(length), length_penalty_));
  // Only the best `beams` candidates may end a summary; the others are there to go on with.
  const std::size_t top = finished_.size();
  for (std::size_t i = 0; i < top; ++i) {
    if (!ends[i]) continue;
    Hypothesis hypothesis = Continue(candidates[i], candidates[i].score / penalty);
    hypothesis.finished = true;
    finished_.push_back(std::move(hypothesis));
  }
  std::stable_sort(finished_.begin(), finished_.end(),
                   [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; });
  finished_.resize(top);
}

bool BeamSearch::CanImprove(std::int64_t length) const {
  // The length that the best running hypothesis is judged by: transformers' heuristic.
  const std::int64_t judged = never_stop_early_ && length_penalty_ > 0 ? max_new_tokens_ : length;
  const float best =
      running_.front().score / static_cast<float>(std::pow(static_cast<double>(judged), length_penalty_));
  const float worst = finished_.back().score;
  return std::any_of(finished_.begin(), finished_.end(),
                     [&](const Hypothesis& h) { return best > (h.finished ? worst : kUnwanted); });
}

}  // namespace lorikeet::trainer
