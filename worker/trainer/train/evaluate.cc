#include "worker/trainer/train/evaluate.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "worker/text/rouge.h"
#include "worker/text/sentences.h"
#include "worker/trainer/kernels/parallel.h"
#include "worker/trainer/train/batches.h"

namespace lorikeet::trainer {
namespace {

using Clock = std::chrono::steady_clock;

// One batch, in parts where memory is short.
Status GenerateBatch(const T5& model, const AdapterView* adapter,
                     const std::vector<std::vector<text::TokenId>>& sources, const EvaluateSettings& settings,
                     std::int64_t& part_size, const MemoryObserver& observer, std::vector<Generated>& out) {
  const auto generate = [&](std::int64_t size) {
    out.clear();
    const std::span<const std::vector<text::TokenId>> all(sources);
    for (std::size_t begin = 0; begin < all.size(); begin += static_cast<std::size_t>(size)) {
      const std::size_t count = std::min(static_cast<std::size_t>(size), all.size() - begin);
      auto part = Generate(model, {.adapter = adapter}, all.subspan(begin, count), settings);
      std::move(part.begin(), part.end(), std::back_inserter(out));
    }
  };
  return WithMemory(part_size, generate, observer);
}

}  // namespace

StatusOr<std::optional<Summaries>> Summarize(const T5& model, const AdapterView* adapter,
                                             const text::Tokenizer& tokenizer,
                                             const std::vector<Example>& examples,
                                             const EvaluateSettings& settings, const GenerateHooks& hooks) {
  const at::NoGradGuard no_grad;
  const std::vector<const Example*> pointers = Pointers(examples);
  const std::vector<std::size_t> order = OrderByLength(pointers);
  Summaries summaries;
  summaries.texts.resize(examples.size());
  summaries.generated.resize(examples.size());
  const auto batch_size = static_cast<std::size_t>(std::max<std::int64_t>(settings.batch_size, 1));
  auto part_size = static_cast<std::int64_t>(batch_size);
  for (std::size_t begin = 0; begin < order.size(); begin += batch_size) {
    if (hooks.stop && hooks.stop()) return std::nullopt;
    const std::size_t end = std::min(begin + batch_size, order.size());
    std::vector<std::vector<text::TokenId>> sources;
    for (std::size_t i = begin; i < end; ++i) sources.push_back(examples[order[i]].source);
    std::vector<Generated> batch;
    const Clock::time_point start = Clock::now();
    RETURN_IF_ERROR(
        GenerateBatch(model, adapter, sources, settings, part_size, hooks.memory_observer, batch));
    summaries.batch_seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    for (std::size_t i = begin; i < end; ++i) {
      Generated& generated = batch[i - begin];
      summaries.tokens += static_cast<std::int64_t>(generated.tokens.size()) + (generated.ended ? 1 : 0);
      summaries.texts[order[i]] = tokenizer.Decode(generated.tokens);
      summaries.generated[order[i]] = std::move(generated);
    }
    if (hooks.documents_done) hooks.documents_done(static_cast<std::int64_t>(end));
  }
  return summaries;
}

Summaries Lead(const std::vector<text::Document>& documents, std::int64_t sentences) {
  Summaries summaries;
  for (const text::Document& document : documents) {
    const std::vector<std::string> all = text::SplitSentences(document.source);
    std::string lead;
    for (std::size_t i = 0; i < std::min(all.size(), static_cast<std::size_t>(sentences)); ++i) {
      lead += (i == 0 ? "" : "\n") + all[i];
    }
    summaries.texts.push_back(std::move(lead));
  }
  return summaries;
}

ScoredSplit Score(const std::string& name, const Split& split, const Summaries& summaries,
                  const std::string& sentence_split) {
  ScoredSplit scored;
  const auto count = static_cast<std::int64_t>(split.documents.size());
  scored.predictions.resize(split.documents.size());
  const bool generated = !summaries.generated.empty();
  ParallelFor(0, count, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t position = begin; position < end; ++position) {
      const auto i = static_cast<std::size_t>(position);
      const text::Document& document = split.documents[i];
      const std::string summary =
          generated ? text::SentencePerLine(summaries.texts[i], sentence_split) : summaries.texts[i];
      const text::RougeScores rouge =
          text::Rouge(text::SentencePerLine(document.target, sentence_split), summary);
      protocol::Prediction& prediction = scored.predictions[i];
      prediction.split = name;
      prediction.id = document.id;
      prediction.summary = summaries.texts[i];
      prediction.position = position;
      prediction.tokens = generated ? static_cast<std::int64_t>(summaries.generated[i].tokens.size()) : 0;
      prediction.rouge = {rouge.rouge1.f1, rouge.rouge2.f1, rouge.rougeL.f1, rouge.rougeLsum.f1};
    }
  });
  protocol::SplitScore& score = scored.score;
  score.documents = count;
  if (count == 0) return scored;
  std::int64_t sources_cut = 0, targets_cut = 0, outputs_cut = 0;
  for (std::size_t i = 0; i < scored.predictions.size();
       ++i) {  // in document order: sums are the same every time
    const protocol::RougeF1& rouge = scored.predictions[i].rouge;
    score.rouge.rouge1 += rouge.rouge1;
    score.rouge.rouge2 += rouge.rouge2;
    score.rouge.rougeL += rouge.rougeL;
    score.rouge.rougeLsum += rouge.rougeLsum;
    if (i < split.examples.size()) {
      sources_cut += split.examples[i].source_cut ? 1 : 0;
      targets_cut += split.examples[i].target_cut ? 1 : 0;
    }
    if (generated) outputs_cut += summaries.generated[i].ended ? 0 : 1;
  }
  const auto documents = static_cast<double>(count);
  score.rouge.rouge1 /= documents;
  score.rouge.rouge2 /= documents;
  score.rouge.rougeL /= documents;
  score.rouge.rougeLsum /= documents;
  score.sources_cut = static_cast<double>(sources_cut) / documents;
  score.targets_cut = static_cast<double>(targets_cut) / documents;
  score.outputs_cut = static_cast<double>(outputs_cut) / documents;
  return scored;
}

GenerationCost CostOf(const Summaries& summaries) {
  GenerationCost cost;
  const std::vector<double>& seconds = summaries.batch_seconds;
  cost.latency_p50_seconds = Percentile(seconds, 0.5);
  cost.latency_p95_seconds = Percentile(seconds, 0.95);
  const double all = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  if (all > 0) cost.tokens_per_second = static_cast<double>(summaries.tokens) / all;
  return cost;
}

double Percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

}  // namespace lorikeet::trainer
