#include "worker/trainer/train/prefix_lm.h"

#include <algorithm>

namespace lorikeet::trainer {

Example CutInTwo(std::span<const text::TokenId> tokens, CounterRandom& random) {
  const std::size_t first = std::max<std::size_t>(tokens.size() / 4, 1);
  const std::size_t places = std::max<std::size_t>(tokens.size() / 2, 1);
  const std::size_t cut = std::min(first + random.Below(places), tokens.size() - 1);
  Example example;
  example.source.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(cut));
  example.target.assign(tokens.begin() + static_cast<std::ptrdiff_t>(cut), tokens.end());
  example.source.push_back(text::Tokenizer::kEnd);
  example.target.push_back(text::Tokenizer::kEnd);
  return example;
}

}  // namespace lorikeet::trainer
