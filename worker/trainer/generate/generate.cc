#include "worker/trainer/generate/generate.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <optional>

#include "worker/trainer/generate/beams.h"
#include "worker/trainer/generate/scores.h"

namespace lorikeet::trainer {
namespace {

struct Sources {
  at::Tensor ids, mask;  // [B, S] int64, bool
};

Sources Pad(std::span<const std::vector<text::TokenId>> sources, const T5& model) {
  std::size_t longest = 1;
  for (const auto& source : sources) longest = std::max(longest, source.size());
  const auto rows = static_cast<std::int64_t>(sources.size()), columns = static_cast<std::int64_t>(longest);
  const at::Tensor ids = at::full({rows, columns}, model.config().pad_token_id, at::kLong);
  const at::Tensor mask = at::zeros({rows, columns}, at::kBool);
  for (std::size_t row = 0; row < sources.size(); ++row) {
    const std::size_t at = row * longest;
    std::copy(sources[row].begin(), sources[row].end(), ids.data_ptr<std::int64_t>() + at);
    std::fill_n(mask.data_ptr<bool>() + at, sources[row].size(), true);
  }
  return {ids.to(model.device()), mask.to(model.device())};
}

// What both searches hold: the documents still in the batch, and the decoding whose rows follow them.
struct Search {
  const T5& model;
  const EvaluateSettings& settings;
  std::unique_ptr<Decoding> decoding;
  std::vector<std::size_t> documents;  // their numbers in the batch

  // Logits [rows, V] fp32 after the rows' last tokens.
  at::Tensor Step(const std::vector<std::int64_t>& last) { return decoding->Step(last); }
  // Rows as `rows` says; documents that are not `kept` leave.
  void Keep(const std::vector<std::int64_t>& rows, const std::vector<std::int64_t>& kept) {
    decoding->Select(rows, kept);
    std::vector<std::size_t> left;
    left.reserve(kept.size());
    for (const std::int64_t document : kept) left.push_back(documents[static_cast<std::size_t>(document)]);
    documents = std::move(left);
  }
};

// The likeliest next token at every step.
void Greedy(Search& search, std::vector<Generated>& results) {
  const text::TokenId end = search.model.config().eos_token_id;
  std::vector<std::vector<text::TokenId>> histories(results.size(),
                                                    {search.model.config().decoder_start_token_id});
  for (std::int64_t step = 0; step < search.settings.max_new_tokens && !search.documents.empty(); ++step) {
    std::vector<std::int64_t> last;
    std::vector<const std::vector<text::TokenId>*> rows;
    for (const std::size_t document : search.documents) {
      last.push_back(histories[document].back());
      rows.push_back(&histories[document]);
    }
    at::Tensor logits = search.Step(last);
    Forbid(search.settings, end, rows, logits);
    const std::vector<Candidate> best = Best(logits, {}, {}, /*rows=*/1, /*count=*/1);
    std::vector<std::int64_t> kept;
    for (std::size_t row = 0; row < best.size(); ++row) {
      const std::size_t document = search.documents[row];
      if (best[row].token == end) {
        results[document].ended = true;
      } else {
        histories[document].push_back(best[row].token);
        kept.push_back(static_cast<std::int64_t>(row));
      }
    }
    if (kept.size() < best.size()) search.Keep(kept, kept);
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    results[i].tokens.assign(histories[i].begin() + 1, histories[i].end());
  }
}

void Beam(Search& search, std::vector<Generated>& results) {
  const T5Config& config = search.model.config();
  const std::int64_t beams = search.settings.beams;
  std::vector<BeamSearch> searches;  // of the documents still in the batch
  for (std::size_t i = 0; i < results.size(); ++i) {
    searches.emplace_back(search.settings, config.decoder_start_token_id, config.eos_token_id);
  }
  while (!searches.empty()) {
    std::vector<std::int64_t> last;
    std::vector<float> running;
    std::vector<const std::vector<text::TokenId>*> histories;
    for (const BeamSearch& beam : searches) {
      for (const Hypothesis& hypothesis : beam.running()) {
        last.push_back(hypothesis.tokens.back());
        running.push_back(hypothesis.score);
        histories.push_back(&hypothesis.tokens);
      }
    }
    at::Tensor logits = search.Step(last);
    // Before what is forbidden goes: likelihoods are those of the model.
    const std::vector<Normalizer> normalizers = Normalizers(logits);
    Forbid(search.settings, config.eos_token_id, histories, logits);
    // Twice as many as there are beams: should all beams end, as many are left to go on with.
    const std::int64_t count = 2 * beams;
    const std::vector<Candidate> best = Best(logits, normalizers, running, beams, count);

    std::vector<std::int64_t> rows, kept;
    std::vector<BeamSearch> going_on;
    for (std::size_t i = 0; i < searches.size(); ++i) {
      const auto candidates =
          std::span(best).subspan(i * static_cast<std::size_t>(count), static_cast<std::size_t>(count));
      const std::vector<std::int64_t> origins = searches[i].Advance(candidates);
      if (searches[i].done()) {
        const Hypothesis& winner = searches[i].best();
        Generated& result = results[search.documents[i]];
        result.ended = winner.tokens.back() == config.eos_token_id && winner.tokens.size() > 1;
        result.tokens.assign(winner.tokens.begin() + 1, winner.tokens.end() - (result.ended ? 1 : 0));
        continue;
      }
      kept.push_back(static_cast<std::int64_t>(i));
      for (const std::int64_t origin : origins) rows.push_back(static_cast<std::int64_t>(i) * beams + origin);
      going_on.push_back(std::move(searches[i]));
    }
    searches = std::move(going_on);
    if (!searches.empty()) search.Keep(rows, kept);
  }
}

}  // namespace

std::vector<Generated> Generate(const T5& model, const ForwardContext& context,
                                std::span<const std::vector<text::TokenId>> sources,
                                const EvaluateSettings& settings) {
  std::vector<Generated> results(sources.size());
  if (sources.empty() || settings.max_new_tokens <= 0) return results;
  const c10::InferenceMode inference;
  const Sources padded = Pad(sources, model);
  Search search{
      model, settings, model.StartDecoding(model.Encode(padded.ids, padded.mask, context), context), {}};
  for (std::size_t i = 0; i < sources.size(); ++i) search.documents.push_back(i);
  if (settings.beams > 1) {
    Beam(search, results);
  } else {
    Greedy(search, results);
  }
  return results;
}

}  // namespace lorikeet::trainer
