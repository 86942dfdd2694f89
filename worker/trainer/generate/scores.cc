#include "worker/trainer/generate/scores.h"

#include <algorithm>
#include <limits>

#include "worker/trainer/model/parallel.h"

namespace lorikeet::trainer {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

// Ids that would complete an n-gram that `history` already holds.
void RepeatedEnds(const std::vector<text::TokenId>& history, std::size_t n,
                  std::vector<text::TokenId>& ends) {
  if (history.size() < n) return;
  const auto suffix = history.end() - static_cast<std::ptrdiff_t>(n - 1);
  for (std::size_t i = 0; i + n <= history.size(); ++i) {
    if (std::equal(suffix, history.end(), history.begin() + static_cast<std::ptrdiff_t>(i))) {
      ends.push_back(history[i + n - 1]);
    }
  }
}

bool Better(const Candidate& a, const Candidate& b) { return a.score > b.score; }

// A pass over one row that keeps the best so far, sorted; most elements fail the first comparison.
void Scan(const float* scores, std::int64_t vocabulary, float added, std::int64_t row, std::size_t count,
          std::vector<Candidate>& best) {
  for (std::int64_t id = 0; id < vocabulary; ++id) {
    const float score = scores[id] + added;
    if (best.size() == count && !(score > best.back().score)) continue;
    if (best.size() == count) best.pop_back();
    const Candidate candidate{score, row, id};
    best.insert(std::upper_bound(best.begin(), best.end(), candidate, Better), candidate);
  }
}

std::vector<Candidate> BestOnDevice(const at::Tensor& scores, std::span<const float> added, std::int64_t rows,
                                    std::int64_t count) {
  const std::int64_t groups = scores.size(0) / rows, vocabulary = scores.size(1);
  at::Tensor sums = scores;
  if (!added.empty()) {
    const at::Tensor shift = at::tensor(at::ArrayRef<float>(added.data(), added.size()), at::kFloat);
    sums = scores + shift.to(scores.device()).unsqueeze(1);
  }
  const auto [values, indices] = sums.view({groups, rows * vocabulary}).topk(count, 1);
  const at::Tensor value = values.cpu(), index = indices.cpu();
  std::vector<Candidate> best(static_cast<std::size_t>(groups * count));
  for (std::size_t i = 0; i < best.size(); ++i) {
    const std::int64_t at = index.const_data_ptr<std::int64_t>()[i];
    best[i] = {value.const_data_ptr<float>()[i], at / vocabulary, at % vocabulary};
  }
  return best;
}

}  // namespace

void Forbid(const EvaluateSettings& settings, text::TokenId end,
            std::span<const std::vector<text::TokenId>* const> histories, at::Tensor& scores) {
  const auto generated = static_cast<std::int64_t>(histories[0]->size()) - 1;
  if (generated < settings.min_new_tokens) scores.select(1, end).fill_(kNever);
  if (settings.no_repeat_ngram_size <= 0) return;
  std::vector<std::int64_t> row_of;
  std::vector<text::TokenId> ends;
  for (std::size_t row = 0; row < histories.size(); ++row) {
    RepeatedEnds(*histories[row], static_cast<std::size_t>(settings.no_repeat_ngram_size), ends);
    row_of.resize(ends.size(), static_cast<std::int64_t>(row));
  }
  if (ends.empty()) return;
  const auto index = [&](const std::vector<std::int64_t>& values) {
    return at::tensor(at::ArrayRef<std::int64_t>(values), at::kLong).to(scores.device());
  };
  scores.index_put_({index(row_of), index(ends)}, at::scalar_tensor(kNever, scores.options()));
}

std::vector<Candidate> Best(const at::Tensor& scores, std::span<const float> added, std::int64_t rows,
                            std::int64_t count) {
  if (!scores.is_cpu()) return BestOnDevice(scores, added, rows, count);
  const std::int64_t groups = scores.size(0) / rows, vocabulary = scores.size(1);
  const at::Tensor contiguous = scores.contiguous();
  const float* const data = contiguous.const_data_ptr<float>();
  std::vector<Candidate> all(static_cast<std::size_t>(groups * count));
  constexpr std::int64_t kGrain = 32768;  // elements worth a thread
  ParallelFor(0, groups, std::max<std::int64_t>(1, kGrain / (rows * vocabulary)),
              [&](std::int64_t begin, std::int64_t end) {
                std::vector<Candidate> best;
                best.reserve(static_cast<std::size_t>(count) + 1);
                for (std::int64_t group = begin; group < end; ++group) {
                  best.clear();
                  for (std::int64_t row = 0; row < rows; ++row) {
                    const std::int64_t at = group * rows + row;
                    Scan(data + at * vocabulary, vocabulary,
                         added.empty() ? 0.0f : added[static_cast<std::size_t>(at)], row,
                         static_cast<std::size_t>(count), best);
                  }
                  std::copy(best.begin(), best.end(), all.begin() + group * count);
                }
              });
  return all;
}

}  // namespace lorikeet::trainer
