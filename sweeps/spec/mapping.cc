#include "sweeps/spec/mapping.h"

#include <algorithm>
#include <map>
#include <optional>

#include "common/nearest.h"

namespace lorikeet::spec {
namespace {

// What PEFT, transformers and their users call our keys.
const std::map<std::string, std::string>& OtherNames() {
  static const auto* const kNames = new std::map<std::string, std::string>{
      {"r", "rank"},
      {"lora_alpha", "alpha"},
      {"lora_dropout", "dropout"},
      {"target_modules", "targets"},
      {"num_virtual_tokens", "tokens"},
      {"num_tokens", "tokens"},
      {"prompt_tuning_init", "init"},
      {"lr", "learning_rate"},
      {"num_train_epochs", "epochs"},
      {"num_epochs", "epochs"},
      {"max_steps", "steps"},
      {"train_batch_size", "batch_size"},
      {"per_device_train_batch_size", "micro_batch_size"},
      {"lr_scheduler_type", "schedule"},
      {"num_warmup_steps", "warmup_steps"},
      {"max_grad_norm", "gradient_clip"},
      {"num_beams", "beams"},
      {"max_source_length", "max_source_tokens"},
      {"max_target_length", "max_target_tokens"},
      {"max_length", "max_new_tokens"},
      {"generation_max_length", "max_new_tokens"},
  };
  return *kNames;
}

std::optional<std::string> Meant(const std::string& key, const std::vector<std::string>& candidates) {
  const auto other = OtherNames().find(key);
  if (other != OtherNames().end() &&
      std::find(candidates.begin(), candidates.end(), other->second) != candidates.end()) {
    return other->second;
  }
  return Nearest(key, candidates);
}

// `{rank: 2, 4}` makes a key of the 4.
bool IsNumber(const std::string& key) {
  return !key.empty() && key.find_first_not_of("0123456789.eE+-") == std::string::npos &&
         key.find_first_of("0123456789") != std::string::npos;
}

}  // namespace

Mapping Mapping::Read(const Value& value, const std::vector<std::string>& known,
                      const std::vector<Refused>& refused) {
  Mapping mapping;
  mapping.self_ = value;
  if (value.IsNull()) return mapping;
  if (!value.IsMapping()) {
    value.Refuse(known.empty() ? "a mapping without keys, {}"
                               : "a mapping of keys to values (" + Joined(known) + ")");
    return mapping;
  }
  if (!CheckTag(value)) return mapping;
  Mistakes& mistakes = *value.mistakes;
  std::map<std::string, Position> seen;
  for (const auto& pair : value.node) {
    const Position at = PositionOf(pair.first, value.at);
    if (!pair.first.IsScalar()) {
      mistakes.Add(at, fmt::format("{}: {} as a key: a key is a plain word",
                                   value.path.empty() ? "the file" : value.path, Show(pair.first)));
      continue;
    }
    const std::string key = pair.first.Scalar();
    const std::string path = mapping.PathOf(ShowText(key));
    const auto [first, is_first] = seen.emplace(key, at);
    if (!is_first) {
      mistakes.Add(
          at, fmt::format("{}: a second time (first in line {}): each key once", path, first->second.line));
      continue;
    }
    if (key == "<<") {
      mistakes.Add(
          at, fmt::format(
                  "{}: YAML's merge keys are not supported: the keys written out, or a whole value as *alias",
                  path));
    } else if (const auto found = std::find_if(refused.begin(), refused.end(),
                                               [&](const Refused& other) { return other.key == key; });
               found != refused.end()) {
      mistakes.Add(at, fmt::format("{}: {}", path, found->why));
    } else if (IsNumber(key)) {
      mistakes.Add(
          at, fmt::format("{}: a number where a key stands: several values are a list in [ and ]", path));
    } else if (std::find(known.begin(), known.end(), key) == known.end()) {
      std::vector<std::string> candidates = known;
      for (const Refused& other : refused) candidates.push_back(other.key);
      const std::optional<std::string> meant = Meant(key, candidates);
      if (meant) mapping.meant_.push_back(*meant);
      mistakes.Add(at, fmt::format("{}: unknown key{}", path,
                                   meant           ? fmt::format("; did you mean '{}'?", *meant)
                                   : known.empty() ? std::string(": this takes none, {}")
                                                   : ": one of " + Joined(known)));
    } else {
      mapping.entries_.push_back({key, at, {pair.second, path, PositionOf(pair.second, at), &mistakes}});
    }
  }
  return mapping;
}

Mapping Mapping::ReadDeclared(const Value& value, const Keys& keys, const std::vector<Refused>& refused) {
  Mapping mapping = Read(value, NamesOf(keys), refused);
  mapping.declared_ = &keys;
  return mapping;
}

std::string Mapping::PathOf(std::string_view key) const {
  return self_.path.empty() ? std::string(key) : fmt::format("{}.{}", self_.path, key);
}

const Value* Mapping::Find(std::string_view key) const {
  const auto entry =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.key == key; });
  return entry == entries_.end() ? nullptr : &entry->value;
}

bool Mapping::Mentions(std::string_view key) const {
  return Find(key) != nullptr || std::find(meant_.begin(), meant_.end(), key) != meant_.end();
}

const Value* Mapping::Require(std::string_view key, std::string_view right) const {
  const Value* value = Find(key);
  if (!Mentions(key)) self_.mistakes->Add(self_.at, fmt::format("{}: missing: {}", PathOf(key), right));
  return value;
}

}  // namespace lorikeet::spec
