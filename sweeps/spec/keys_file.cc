// The keys of the file itself.
#include <limits>

#include "sweeps/spec/keys.h"
#include "sweeps/spec/spec.h"

namespace lorikeet::spec {

const Keys& FileKeys() {
  static const auto& keys = *new Keys{
      {"sweep", Plain(Type::Of::kName), Needed(),
       "how the sweep is called in commands, tables and file names: letters, digits, `.`, `_`, `-`, a letter "
       "or digit "
       "first, at most 100 characters; nothing that looks like an id (`s-` and 12 letters or digits)"},
      {"model", Plain(Type::Of::kPath), Needed(),
       "the base model, a Hugging Face directory of a T5: `config.json`, `model.safetensors` (or shards with "
       "`model.safetensors.index.json`), `spiece.model`"},
      {"data", MappingOf(DataKeys), Needed(), "the documents: [data](#data)"},
      {"train", MappingOf(TrainSectionKeys), Is("{}"), "how the arms train: [train](#train)"},
      {"evaluate", MappingOf(EvaluateKeys), Is("{}"),
       "how summaries are made and scored: [evaluate](#evaluate)"},
      {"arms", MappingOf(ArmsKeys), Needed(), "what is compared: [arms](#arms)"},
      {"seeds", ListOf(Whole(0, std::numeric_limits<std::int64_t>::max()), 1, 0, /*unique=*/true), Needed(),
       "one trial of each training configuration a seed: initialisation, order of the data, dropout. "
       "`zero_shot` and "
       "`lead` run once, whatever the seeds"},
      {"tune", MappingOf(TuneKeys), Words("none"),
       "settings that are chosen before rows are compared: [tune](#tune)"},
      {"baseline", Plain(Type::Of::kRow), Is("full"),
       "what the others are compared with: an arm of one configuration, or one configuration by its name "
       "(`lora "
       "rank=8`)"},
      {"resources", MappingOf(ResourceKeys), Is("{}"),
       "what a trial takes: [resources](#resources-retry-time_limit)"},
      {"retry", MappingOf(RetryKeys), Is("{}"), "what happens when it fails"},
      {"time_limit", Lasting(std::chrono::seconds(1)), Words("none"), "of one attempt"},
      {"priority", Whole(-kMostPriority, kMostPriority), Is("0"),
       "which sweep is served first: [below](#who-is-served-first)"},
      {"max_running", Whole(1), Words("none"), "how many of its trials run at once, at most"},
      {"keep", MappingOf(KeepKeys), Is("{}"), "for how long what it leaves is kept: [below](#what-is-kept)"},
  };
  return keys;
}

}  // namespace lorikeet::spec
