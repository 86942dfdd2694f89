#include "worker/trainer/train/span_corruption.h"

#include <algorithm>
#include <cmath>

namespace lorikeet::trainer {
namespace {

struct Counts {
  std::int64_t hidden = 0, spans = 0;
};

Counts CountsFor(std::int64_t length, const SpanCorruption& settings) {
  Counts counts;
  counts.hidden =
      std::clamp<std::int64_t>(std::llround(static_cast<double>(length) * settings.density), 1, length - 1);
  counts.spans =
      std::clamp<std::int64_t>(std::llround(static_cast<double>(counts.hidden) / settings.mean_span), 1,
                               std::min<std::int64_t>(text::Tokenizer::kSentinels, length - counts.hidden));
  return counts;
}

// `total` cut into `parts` lengths of at least 1, every way as likely.
std::vector<std::int64_t> Segments(std::int64_t total, std::int64_t parts, CounterRandom& random) {
  // parts − 1 of the total − 1 inner borders, by selection sampling.
  std::vector<std::int64_t> lengths(1, 1);
  std::int64_t wanted = parts - 1;
  for (std::int64_t left = total - 1; left > 0; --left) {
    if (random.Below(static_cast<std::uint64_t>(left)) < static_cast<std::uint64_t>(wanted)) {
      lengths.push_back(1);
      --wanted;
    } else {
      ++lengths.back();
    }
  }
  return lengths;
}

}  // namespace

std::vector<bool> NoiseMask(std::int64_t length, const SpanCorruption& settings, CounterRandom& random) {
  const Counts counts = CountsFor(length, settings);
  const auto hidden = Segments(counts.hidden, counts.spans, random);
  const auto visible = Segments(length - counts.hidden, counts.spans, random);
  std::vector<bool> mask;
  for (std::size_t i = 0; i < hidden.size(); ++i) {
    mask.insert(mask.end(), static_cast<std::size_t>(visible[i]), false);
    mask.insert(mask.end(), static_cast<std::size_t>(hidden[i]), true);
  }
  return mask;
}

Example Corrupt(std::span<const text::TokenId> tokens, const SpanCorruption& settings,
                const text::Tokenizer& tokenizer, CounterRandom& random) {
  const std::vector<bool> mask = NoiseMask(static_cast<std::int64_t>(tokens.size()), settings, random);
  Example example;
  int sentinel = -1;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (mask[i] && (i == 0 || !mask[i - 1])) {
      const text::TokenId id = tokenizer.Sentinel(++sentinel);
      example.source.push_back(id);
      example.target.push_back(id);
    }
    (mask[i] ? example.target : example.source).push_back(tokens[i]);
  }
  example.source.push_back(text::Tokenizer::kEnd);
  example.target.push_back(text::Tokenizer::kEnd);
  return example;
}

std::int64_t RawLength(std::int64_t source_length, const SpanCorruption& settings) {
  std::int64_t length = 2;
  for (;;) {
    const Counts counts = CountsFor(length + 1, settings);
    if (length + 1 - counts.hidden + counts.spans + 1 > source_length) return length;
    ++length;
  }
}

}  // namespace lorikeet::trainer
