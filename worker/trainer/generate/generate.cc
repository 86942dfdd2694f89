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

at::Tensor Indices(const std::vector<std::int64_t>& values, at::Device device) {
  return at::tensor(at::ArrayRef<std::int64_t>(values), at::kLong).to(device);
}

// What both searches hold: the documents still in the batch, and the cache whose rows follow them.
struct Decoding {
  const T5& model;
  const ForwardContext& context;
  const EvaluateSettings& settings;
  DecoderCache cache;
  std::vector<std::size_t> documents;  // their numbers in the batch

  // Logits [rows, V] fp32 after the rows' last tokens.
  at::Tensor Step(const std::vector<std::int64_t>& last) {
    return model.DecodeStep(Indices(last, model.device()), cache, context);
  }
  // Rows as `rows` says; documents that are not `kept` leave.
  void Keep(const std::vector<std::int64_t>& rows, const std::vector<std::int64_t>& kept) {
    const bool all_stay = kept.size() == documents.size();
    T5::SelectRows(cache, Indices(rows, model.device()),
                   all_stay ? at::Tensor() : Indices(kept, model.device()));
    std::vector<std::size_t> left;
    left.reserve(kept.size());
    for (const std::int64_t document : kept) left.push_back(documents[static_cast<std::size_t>(document)]);
    documents = std::move(left);
  }
};

// The likeliest next token at every step.
void Greedy(Decoding& decoding, std::vector<Generated>& results) {
  const text::TokenId end = decoding.model.config().eos_token_id;
  std::vector<std::vector<text::TokenId>> histories(results.size(),
                                                    {decoding.model.config().decoder_start_token_id});
  for (std::int64_t step = 0; step < decoding.settings.max_new_tokens && !decoding.documents.empty();
       ++step) {
    std::vector<std::int64_t> last;
    std::vector<const std::vector<text::TokenId>*> rows;
    for (const std::size_t document : decoding.documents) {
      last.push_back(histories[document].back());
      rows.push_back(&histories[document]);
    }
    at::Tensor logits = decoding.Step(last);
    Forbid(decoding.settings, end, rows, logits);
    const std::vector<Candidate> best = Best(logits, {}, /*rows=*/1, /*count=*/1);
    std::vector<std::int64_t> kept;
    for (std::size_t row = 0; row < best.size(); ++row) {
      const std::size_t document = decoding.documents[row];
      if (best[row].token == end) {
        results[document].ended = true;
      } else {
        histories[document].push_back(best[row].token);
        kept.push_back(static_cast<std::int64_t>(row));
      }
    }
    if (kept.size() < best.size()) decoding.Keep(kept, kept);
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    results[i].tokens.assign(histories[i].begin() + 1, histories[i].end());
  }
}

void Beam(Decoding& decoding, std::vector<Generated>& results) {
  const T5Config& config = decoding.model.config();
  const std::int64_t beams = decoding.settings.beams;
  std::vector<BeamSearch> searches;  // of the documents still in the batch
  for (std::size_t i = 0; i < results.size(); ++i) {
    searches.emplace_back(decoding.settings, config.decoder_start_token_id, config.eos_token_id);
  }
  while (!searches.empty()) {
    std::vector<std::int64_t> last;
    std::vector<float> running;
    std::vector<const std::vector<text::TokenId>*> histories;
    for (const BeamSearch& search : searches) {
      for (const Hypothesis& hypothesis : search.running()) {
        last.push_back(hypothesis.tokens.back());
        running.push_back(hypothesis.score);
        histories.push_back(&hypothesis.tokens);
      }
    }
    at::Tensor scores = at::log_softmax(decoding.Step(last), -1);
    Forbid(decoding.settings, config.eos_token_id, histories, scores);
    // Twice as many as there are beams: should all beams end, as many are left to go on with.
    const std::int64_t count = 2 * beams;
    const std::vector<Candidate> best = Best(scores, running, beams, count);

    std::vector<std::int64_t> rows, kept;
    std::vector<BeamSearch> going_on;
    for (std::size_t i = 0; i < searches.size(); ++i) {
      const auto candidates =
          std::span(best).subspan(i * static_cast<std::size_t>(count), static_cast<std::size_t>(count));
      const std::vector<std::int64_t> origins = searches[i].Advance(candidates);
      if (searches[i].done()) {
        const Hypothesis& winner = searches[i].best();
        Generated& result = results[decoding.documents[i]];
        result.ended = winner.tokens.back() == config.eos_token_id && winner.tokens.size() > 1;
        result.tokens.assign(winner.tokens.begin() + 1, winner.tokens.end() - (result.ended ? 1 : 0));
        continue;
      }
      kept.push_back(static_cast<std::int64_t>(i));
      for (const std::int64_t origin : origins) rows.push_back(static_cast<std::int64_t>(i) * beams + origin);
      going_on.push_back(std::move(searches[i]));
    }
    searches = std::move(going_on);
    if (!searches.empty()) decoding.Keep(rows, kept);
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
  Decoding decoding{model,
                    context,
                    settings,
                    model.StartDecoding(model.Encode(padded.ids, padded.mask, context), context),
                    {}};
  for (std::size_t i = 0; i < sources.size(); ++i) decoding.documents.push_back(i);
  if (settings.beams > 1) {
    Beam(decoding, results);
  } else {
    Greedy(decoding, results);
  }
  return results;
}

}  // namespace lorikeet::trainer
