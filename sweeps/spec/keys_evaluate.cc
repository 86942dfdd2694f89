// The keys of `evaluate`.
#include "sweeps/spec/keys.h"

namespace lorikeet::spec {

const Keys& EvaluateKeys() {
  static const auto& keys = *new Keys{
      {"beams", Whole(1), Is("1"), "1 is greedy"},
      {"max_new_tokens", Whole(1), Is("256"), "a summary is no longer"},
      {"min_new_tokens", Whole(0), Is("0"), "nor shorter; at most `max_new_tokens`"},
      {"length_penalty", Numeric(AnyNumber()), Is("1"), "above 0 longer summaries, below 0 shorter ones"},
      {"no_repeat_ngram_size", Whole(0), Is("0"), "n-grams of this size occur once; 0 turns it off"},
      {"early_stopping", OneOf({"true", "false", "never"}), Is("false"), "when beam search ends"},
      {"batch_size", Whole(1), Is("16"), "how many documents are generated at a time"},
      {"sentence_split", OneOf({"auto", "newline"}), Is("auto"), "how both texts are cut for ROUGE-Lsum"},
      {"primary", OneOf({"rouge1", "rouge2", "rougeL", "rougeLsum"}), Is("rouge1"),
       "the metric of the verdicts"},
      {"margin", Numeric({0, false, 100, true, "ROUGE points, above 0 and at most 100"}), Is("0.5"),
       "in ROUGE points: a difference to the baseline within it counts as none ([verdicts](verdicts.md))"},
  };
  return keys;
}

}  // namespace lorikeet::spec
