// Summaries of a split and their ROUGE. Free functions; not to be called at the same time on one model.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"
#include "worker/protocol/events.h"
#include "worker/trainer/generate/generate.h"
#include "worker/trainer/train/data.h"
#include "worker/trainer/train/memory.h"

namespace lorikeet::trainer {

struct Summaries {
  std::vector<std::string> texts;     // in document order
  std::vector<Generated> generated;   // as many; empty for `lead`, which generates no tokens
  std::vector<double> batch_seconds;  // wall time of each batch, in the order they were run
  std::int64_t tokens = 0;            // generated, with the closing </s>
};

struct GenerateHooks {
  std::function<bool()> stop = {};                        // asked before every batch; may be empty
  std::function<void(std::int64_t)> documents_done = {};  // may be empty
  MemoryObserver memory_observer = {};                    // may be empty
};

// Generates in batches of similar length; what comes out does not depend on them. Batches are halved when
// memory runs out. Nothing where `stop` said yes.
StatusOr<std::optional<Summaries>> Summarize(const T5& model, const AdapterView* adapter,
                                             const text::Tokenizer& tokenizer,
                                             const std::vector<Example>& examples,
                                             const EvaluateSettings& settings, const GenerateHooks& hooks);

// The first `sentences` sentences of every article, a line each.
Summaries Lead(const std::vector<text::Document>& documents, std::int64_t sentences);

struct ScoredSplit {
  std::vector<protocol::Prediction> predictions;  // in document order
  protocol::SplitScore score;
};

// ROUGE of every summary against its whole reference; `name` is "validation" or "test". Lead's summaries are
// sentences a line already; other texts are cut as `sentence_split` says.
ScoredSplit Score(const std::string& name, const Split& split, const Summaries& summaries,
                  const std::string& sentence_split);

// What generating took. A latency is that of one batch, of as many documents as the settings' batch_size
// says: of one document where that is 1.
struct GenerationCost {
  double latency_p50_seconds = 0, latency_p95_seconds = 0;
  double tokens_per_second = 0;  // generated, with the closing </s>; 0 where no time was measured
};
GenerationCost CostOf(const Summaries& summaries);

// The value at `share` (0 to 1) of the sorted values, between neighbours linearly; 0 for none.
double Percentile(std::vector<double> values, double share);

}  // namespace lorikeet::trainer
