#include "worker/trainer/train/pretrain.h"

#include <algorithm>
#include <limits>

#include "worker/trainer/kernels/parallel.h"
#include "worker/trainer/train/batches.h"
#include "worker/trainer/train/prefix_lm.h"
#include "worker/trainer/train/step.h"

namespace lorikeet::trainer {
namespace {

using Piece = std::vector<text::TokenId>;

// Pieces shorter than this are left out: there is little to guess from.
constexpr std::int64_t kShortestPiece = 16;

constexpr std::uint64_t kParts = 1'000'000;  // what a share is drawn from

std::vector<Piece> CutIntoPieces(const std::vector<std::string>& texts, const text::Tokenizer& tokenizer,
                                 std::int64_t length) {
  std::vector<std::vector<Piece>> by_text(texts.size());
  ParallelFor(0, static_cast<std::int64_t>(texts.size()), 8, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      Piece tokens = tokenizer.Encode(texts[i], std::numeric_limits<std::int64_t>::max());
      tokens.pop_back();  // </s>
      const auto count = static_cast<std::int64_t>(tokens.size());
      for (std::int64_t at = 0; at < count; at += length) {
        const std::int64_t size = std::min(length, count - at);
        if (size >= std::min(kShortestPiece, length)) {
          by_text[i].emplace_back(tokens.begin() + at, tokens.begin() + at + size);
        }
      }
    }
  });
  std::vector<Piece> pieces;
  for (auto& some : by_text) std::move(some.begin(), some.end(), std::back_inserter(pieces));
  return pieces;
}

std::vector<Example> EncodePairs(const std::vector<text::Document>& pairs, const text::Tokenizer& tokenizer,
                                 std::int64_t length) {
  std::vector<Example> examples;
  examples.reserve(pairs.size());
  for (const text::Document& pair : pairs) {
    examples.push_back(
        {.source = tokenizer.Encode(pair.source, length), .target = tokenizer.Encode(pair.target, length)});
  }
  return examples;
}

// Whoever has a share of exactly 0 does not ask, so that its choices leave the other draws as they were.
bool Chance(double share, CounterRandom& random) {
  return static_cast<double>(random.Below(kParts)) < share * static_cast<double>(kParts);
}

}  // namespace

StatusOr<std::unique_ptr<T5>> Pretrain(const PretrainOptions& options, const PretrainTexts& texts,
                                       const text::Tokenizer& tokenizer,
                                       const std::function<void(const PretrainProgress&)>& report) {
  const std::vector<Piece> pieces =
      CutIntoPieces(texts.texts, tokenizer, RawLength(options.length, options.corruption));
  const std::vector<Example> pairs = EncodePairs(texts.pairs, tokenizer, options.length);
  if (options.pair_share > 0 && pairs.empty())
    return InvalidArgument("there are no pairs to take a share of");
  if (pieces.empty()) return InvalidArgument("the texts hold no piece of {} tokens", kShortestPiece);

  T5Config config = options.config;
  config.vocab_size = (tokenizer.vocabulary_size() + 7) / 8 * 8;
  LoadOptions load;
  load.device = options.device;
  load.trainable = true;
  std::unique_ptr<T5> model = T5::Initialize(config, options.seed, load);
  ASSIGN_OR_RETURN(const std::unique_ptr<Optimizer> optimizer,
                   CreateOptimizer(options.optimizer, model->parameters()));
  DropoutStream dropout(options.seed, config.dropout_rate);
  Stepper stepper{.model = model.get(), .dropout = &dropout, .optimizer = optimizer.get()};
  for (const auto& [name, parameter] : model->parameters()) stepper.parameters.push_back(parameter);
  stepper.gradient_clip = options.gradient_clip;
  stepper.micro_batch_size = std::min(options.micro_batch_size, options.batch_size);

  const Schedule schedule{options.schedule, options.warmup_steps, options.steps};
  BatchPlan plan(static_cast<std::int64_t>(pieces.size()), options.batch_size, options.seed);
  for (std::int64_t step = 0; step < options.steps; ++step) {
    CounterRandom random(options.seed, static_cast<std::uint64_t>(step) + 1);
    std::vector<Example> examples;
    for (const std::int64_t i : plan.DocumentsOf(step)) {
      if (options.pair_share > 0 && Chance(options.pair_share, random)) {
        examples.push_back(pairs[random.Below(pairs.size())]);
        continue;
      }
      const Piece& piece = pieces[static_cast<std::size_t>(i)];
      const bool cut = options.prefix_lm > 0 && Chance(options.prefix_lm, random);
      examples.push_back(cut ? CutInTwo(piece, random)
                             : Corrupt(piece, options.corruption, tokenizer, random));
    }
    auto outcome =
        stepper.Run(Pointers(examples), step, options.learning_rate * LearningRateFactor(schedule, step));
    RETURN_IF_ERROR(outcome.status());
    report({step + 1, outcome->loss, outcome->tokens});
  }
  return model;
}

}  // namespace lorikeet::trainer
