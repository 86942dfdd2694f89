#include "sweeps/spec/sections.h"

#include <algorithm>
#include <map>
#include <utility>

#include "sweeps/spec/file_checks.h"
#include "sweeps/spec/keys.h"
#include "sweeps/spec/mapping.h"
#include "sweeps/spec/paths.h"

namespace lorikeet::spec {
namespace {

constexpr const char* kSourceFile = "a file of documents, such as train.jsonl.gz";

// Each by what is declared of the key; what is not there, or wrong, stays as it is.
void ReadCount(const Mapping& mapping, std::string_view key, std::int64_t& to) {
  if (const Value* value = mapping.Find(key)) to = ReadInteger(*value, mapping.TypeOf(key)).value_or(to);
}
void ReadCount(const Mapping& mapping, std::string_view key, std::optional<std::int64_t>& to) {
  if (const Value* value = mapping.Find(key)) to = ReadInteger(*value, mapping.TypeOf(key));
}
void ReadDecimal(const Mapping& mapping, std::string_view key, double& to) {
  if (const Value* value = mapping.Find(key)) to = ReadNumber(*value, mapping.TypeOf(key)).value_or(to);
}
void ReadWord(const Mapping& mapping, std::string_view key, std::string_view right, std::string& to) {
  if (const Value* value = mapping.Find(key)) to = ReadText(*value, right).value_or(to);
}
void ReadWord(const Mapping& mapping, std::string_view key, std::string& to) {
  if (const Value* value = mapping.Find(key)) to = ReadChoice(*value, mapping.TypeOf(key)).value_or(to);
}

void ReadValidation(const Value& value, const PathRules& rules, DataSettings& data) {
  if (!value.IsMapping()) {
    data.validation =
        ReadPath(value, "a file of documents, or {from_train: 0.05}", rules, DataFileMistakes).value_or("");
    return;
  }
  const Mapping mapping = Mapping::ReadDeclared(value, ValidationKeys());
  if (const Value* share =
          mapping.Require("from_train", "the share of train that is held out, such as 0.05")) {
    data.validation_from_train = ReadNumber(*share, mapping.TypeOf("from_train")).value_or(0);
  }
}

void ReadFields(const Value& value, DataSettings& data) {
  const Mapping mapping = Mapping::ReadDeclared(value, FieldKeys());
  ReadWord(mapping, "source", "the name of a JSON key", data.source_field);
  ReadWord(mapping, "target", "the name of a JSON key", data.target_field);
  ReadWord(mapping, "id", "the name of a JSON key", data.id_field);
  if (data.source_field == data.target_field) {
    const Value* target = mapping.Find("target");
    (target != nullptr ? *target : *mapping.Find("source")).Refuse("another key than the other field's");
  }
}

void ReadLimit(const Value& value, DataSettings& data) {
  const Mapping mapping = Mapping::ReadDeclared(value, LimitKeys());
  ReadCount(mapping, "train", data.limit_train);
  ReadCount(mapping, "validation", data.limit_validation);
  ReadCount(mapping, "test", data.limit_test);
}

// Keys of the user's own: what their workers were started with.
Labels ReadLabels(const Value& value) {
  static constexpr const char* kRight = "a mapping of labels that workers have, such as {gpu: a100}";
  Labels labels;
  if (!value.IsMapping() && !value.IsNull()) {
    value.Refuse(kRight);
    return labels;
  }
  if (value.IsNull() || !CheckTag(value)) return labels;
  for (const auto& pair : value.node) {
    const Position at = PositionOf(pair.first, value.at);
    const std::string key = pair.first.IsScalar() ? pair.first.Scalar() : std::string();
    if (!IsLabelWord(key)) {
      value.mistakes->Add(
          at, fmt::format("{}: {}: a label's name is {}", value.path, Show(pair.first), kLabelWord));
      continue;
    }
    const Value of{pair.second, fmt::format("{}.{}", value.path, key), PositionOf(pair.second, at),
                   value.mistakes};
    const std::optional<std::string> word = ReadText(of, kLabelWord);
    if (!word) continue;
    if (!IsLabelWord(*word)) {
      of.Refuse(kLabelWord);
    } else if (!labels.emplace(key, *word).second) {
      value.mistakes->Add(at, fmt::format("{}: a second time: each label once", of.path));
    }
  }
  return labels;
}

// "s-4k2v9x0m1c3p": a command that takes an id or a name must know which is meant.
bool LooksLikeId(const std::string& name) {
  return name.size() == 14 && name.rfind("s-", 0) == 0 &&
         std::all_of(name.begin() + 2, name.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); });
}

}  // namespace

std::optional<std::string> ReadPath(const Value& value, const std::string& right, const PathRules& rules,
                                    std::vector<std::string> (*mistakes_of)(const std::string&)) {
  const std::optional<std::string> text = ReadText(value, right);
  if (!text) return std::nullopt;
  if (*text == "~" || text->rfind("~/", 0) == 0) {
    value.Refuse("~ is not expanded; write ${HOME}" + text->substr(1));
    return std::nullopt;
  }
  const StatusOr<std::string> expanded = ExpandVariables(*text, rules.environment);
  if (!expanded.ok()) {
    value.Refuse(Message(expanded.status()));
    return std::nullopt;
  }
  if (expanded->empty()) {
    value.Refuse("empty once its variables are replaced: " + right);
    return std::nullopt;
  }
  std::string path = ResolvePath(*expanded, rules.folder);
  if (rules.check) {
    for (const std::string& mistake : mistakes_of(path)) {
      value.mistakes->Add(value.at, fmt::format("{}: {}", value.path, mistake));
    }
  }
  return path;
}

std::optional<std::string> ReadSweepName(const Value& value) {
  static constexpr std::size_t kLongest = 100;
  const std::string right = fmt::format(
      "letters, digits, '.', '_' and '-', a letter or digit first, at most {} characters", kLongest);
  std::optional<std::string> name = ReadText(value, right);
  if (!name) return std::nullopt;
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const bool safe = name->size() <= kLongest && is_word(name->front()) &&
                    std::all_of(name->begin(), name->end(),
                                [&](char c) { return is_word(c) || c == '.' || c == '_' || c == '-'; });
  if (!safe) {
    value.Refuse(right);
    return std::nullopt;
  }
  if (LooksLikeId(*name)) {
    value.Refuse("a name that does not look like a sweep's id");
    return std::nullopt;
  }
  return name;
}

std::string ReadModel(const Value& value, const PathRules& rules) {
  return ReadPath(value, "a Hugging Face directory", rules, ModelMistakes).value_or("");
}

DataSettings ReadData(const Value& value, const PathRules& rules) {
  DataSettings data;
  const Mapping mapping = Mapping::ReadDeclared(value, DataKeys());
  ReadWord(mapping, "format", data.format);
  if (const Value* train = mapping.Require("train", kSourceFile)) {
    data.train = ReadPath(*train, kSourceFile, rules, DataFileMistakes).value_or("");
  }
  if (const Value* validation =
          mapping.Require("validation",
                          "no validation data: a file of documents, or {from_train: 0.05} to hold out a "
                          "share of train")) {
    ReadValidation(*validation, rules, data);
  }
  if (const Value* test = mapping.Require("test", "a file of documents to score, such as test.jsonl.gz")) {
    data.test = ReadPath(*test, kSourceFile, rules, DataFileMistakes).value_or("");
  }
  if (const Value* fields = mapping.Find("fields")) ReadFields(*fields, data);
  if (const Value* prefix = mapping.Find("source_prefix"); prefix != nullptr && !prefix->IsNull()) {
    data.source_prefix = ReadText(*prefix, "a text, which is put before every article", true).value_or("");
  }
  ReadCount(mapping, "max_source_tokens", data.max_source_tokens);
  ReadCount(mapping, "max_target_tokens", data.max_target_tokens);
  if (const Value* limit = mapping.Find("limit")) ReadLimit(*limit, data);
  return data;
}

EvaluateSettings ReadEvaluate(const Value& value, VerdictSettings& verdict) {
  EvaluateSettings evaluate;
  const Mapping mapping = Mapping::ReadDeclared(value, EvaluateKeys());
  ReadCount(mapping, "beams", evaluate.beams);
  ReadCount(mapping, "max_new_tokens", evaluate.max_new_tokens);
  ReadCount(mapping, "min_new_tokens", evaluate.min_new_tokens);
  ReadCount(mapping, "no_repeat_ngram_size", evaluate.no_repeat_ngram_size);
  ReadCount(mapping, "batch_size", evaluate.batch_size);
  ReadWord(mapping, "early_stopping", evaluate.early_stopping);
  ReadWord(mapping, "sentence_split", evaluate.sentence_split);
  ReadDecimal(mapping, "length_penalty", evaluate.length_penalty);
  ReadWord(mapping, "primary", verdict.primary);
  ReadDecimal(mapping, "margin", verdict.margin);
  if (evaluate.min_new_tokens > evaluate.max_new_tokens) {
    mapping.Find("min_new_tokens")
        ->Refuse(fmt::format("at most max_new_tokens, {}", evaluate.max_new_tokens));
  }
  return evaluate;
}

ResourceSettings ReadResources(const Value& value, Labels& labels) {
  ResourceSettings resources;
  const Mapping mapping = Mapping::ReadDeclared(value, ResourceKeys());
  ReadCount(mapping, "gpus", resources.gpus);
  if (const Value* memory = mapping.Find("memory")) resources.memory_bytes = ReadBytes(*memory);
  ReadCount(mapping, "threads", resources.threads);
  if (const Value* asked = mapping.Find("labels")) labels = ReadLabels(*asked);
  return resources;
}

std::vector<std::int64_t> ReadSeeds(const Value& value) {
  std::vector<std::int64_t> seeds;
  if (!value.IsList() || value.node.size() == 0) {
    value.Refuse("a list with at least one seed, such as [1, 2, 3]");
    return seeds;
  }
  std::map<std::int64_t, int> lines;
  for (const Value& element : value.Elements()) {
    const std::optional<std::int64_t> seed = ReadInteger(element, KeyOf(FileKeys(), "seeds").type.parts[0]);
    if (!seed) continue;
    const auto [first, is_new] = lines.emplace(*seed, element.at.line);
    if (!is_new) {
      element.Refuse(fmt::format("each seed once (it stands in line {} too)", first->second));
      continue;
    }
    seeds.push_back(*seed);
  }
  return seeds;
}

}  // namespace lorikeet::spec
