// The keys of `tune`.
#include <limits>

#include "sweeps/spec/keys.h"

namespace lorikeet::spec {

const Keys& TuneKeys() {
  static const auto& keys = *new Keys{
      {"axes", ListOf(Plain(Type::Of::kAxis), 1, 0, /*unique=*/true), Needed(),
       "keys that have a list of values in an arm that trains: one of the values is chosen for each row"},
      {"by", OneOf({"validation_rouge1", "validation_loss"}), Is("validation_rouge1"),
       "what is best: the highest ROUGE-1 or the lowest loss on the validation split, in the mean over "
       "`tune.seeds`"},
      {"seeds", ListOf(Whole(0, std::numeric_limits<std::int64_t>::max()), 1, 0, /*unique=*/true), Needed(),
       "what candidates are trained with; none of the sweep's own `seeds`"},
  };
  return keys;
}

}  // namespace lorikeet::spec
