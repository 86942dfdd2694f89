#include "worker/trainer/generate/scores.h"

#include <algorithm>
#include <limits>

#include "worker/trainer/kernels/parallel.h"
#include "worker/trainer/kernels/row_kernels.h"

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

// What is done to a row's scores before they are compared, one float operation after another.
struct Shift {
  Shift(std::span<const Normalizer> normalizers, std::span<const float> added, std::int64_t row) {
    const auto at = static_cast<std::size_t>(row);
    if (!normalizers.empty()) top = normalizers[at].top, log_sum = normalizers[at].log_sum;
    if (!added.empty()) sum = added[at];
  }
  float operator()(float score) const { return score - top - log_sum + sum; }
  float top = 0, log_sum = 0, sum = 0;
};

// A pass over one row that keeps the best so far, sorted. Shifts keep the order: where the best of a stretch
// of ids is not good enough, none of them is.
void Scan(const float* scores, std::int64_t vocabulary, const Shift& shift, std::int64_t row,
          std::size_t count, std::vector<Candidate>& best) {
  constexpr std::int64_t kStretch = 256;
  for (std::int64_t first = 0; first < vocabulary; first += kStretch) {
    const std::int64_t end = std::min(first + kStretch, vocabulary);
    if (best.size() == count && !(shift(MaximumOf(end - first, scores + first)) > best.back().score))
      continue;
    for (std::int64_t id = first; id < end; ++id) {
      const float score = shift(scores[id]);
      if (best.size() == count && !(score > best.back().score)) continue;
      if (best.size() == count) best.pop_back();
      const Candidate candidate{score, row, id};
      best.insert(std::upper_bound(best.begin(), best.end(), candidate, Better), candidate);
    }
  }
}

std::vector<Candidate> BestOnDevice(const at::Tensor& scores, std::span<const Normalizer> normalizers,
                                    std::span<const float> added, std::int64_t rows, std::int64_t count) {
  const std::int64_t groups = scores.size(0) / rows, vocabulary = scores.size(1);
  const at::Tensor shifts = at::empty({3, scores.size(0)}, at::kFloat);
  for (std::int64_t row = 0; row < scores.size(0); ++row) {
    const Shift shift(normalizers, added, row);
    float* const to = shifts.data_ptr<float>() + row;
    to[0] = shift.top, to[scores.size(0)] = shift.log_sum, to[2 * scores.size(0)] = shift.sum;
  }
  const at::Tensor by = shifts.to(scores.device()).unsqueeze(2);
  const at::Tensor sums = scores - by[0] - by[1] + by[2];
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

std::vector<Normalizer> Normalizers(const at::Tensor& logits) {
  const std::int64_t rows = logits.size(0), vocabulary = logits.size(1);
  std::vector<Normalizer> normalizers(static_cast<std::size_t>(rows));
  if (!logits.is_cpu()) {
    const at::Tensor top = std::get<0>(logits.max(1)),
                     log_sum = (logits - top.unsqueeze(1)).exp().sum(1).log();
    const at::Tensor both = at::stack({top, log_sum}).cpu();
    for (std::int64_t row = 0; row < rows; ++row) {
      const float* const data = both.const_data_ptr<float>() + row;
      normalizers[static_cast<std::size_t>(row)] = {data[0], data[rows]};
    }
    return normalizers;
  }
  const at::Tensor contiguous = logits.contiguous();
  const float* const data = contiguous.const_data_ptr<float>();
  ParallelFor(0, rows, std::max<std::int64_t>(1, 8192 / vocabulary),
              [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t row = begin; row < end; ++row) {
                  Normalizer& normalizer = normalizers[static_cast<std::size_t>(row)];
                  normalizer.log_sum = LogSumOf(vocabulary, data + row * vocabulary, normalizer.top);
                }
              });
  return normalizers;
}

std::vector<Candidate> Best(const at::Tensor& scores, std::span<const Normalizer> normalizers,
                            std::span<const float> added, std::int64_t rows, std::int64_t count) {
  if (!scores.is_cpu()) return BestOnDevice(scores, normalizers, added, rows, count);
  const std::int64_t groups = scores.size(0) / rows, vocabulary = scores.size(1);
  const at::Tensor contiguous = scores.contiguous();
  const float* const data = contiguous.const_data_ptr<float>();
  std::vector<Candidate> all(static_cast<std::size_t>(groups * count));
  constexpr std::int64_t kGrain = 65536;  // elements worth a thread
  ParallelFor(0, groups, std::max<std::int64_t>(1, kGrain / (rows * vocabulary)),
              [&](std::int64_t begin, std::int64_t end) {
                std::vector<Candidate> best;
                best.reserve(static_cast<std::size_t>(count) + 1);
                for (std::int64_t group = begin; group < end; ++group) {
                  best.clear();
                  for (std::int64_t row = 0; row < rows; ++row) {
                    const std::int64_t at = group * rows + row;
                    Scan(data + at * vocabulary, vocabulary, Shift(normalizers, added, at), row,
                         static_cast<std::size_t>(count), best);
                  }
                  std::copy(best.begin(), best.end(), all.begin() + group * count);
                }
              });
  return all;
}

}  // namespace lorikeet::trainer
