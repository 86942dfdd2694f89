#include "sweeps/spec/sections.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "sweeps/spec/file_checks.h"
#include "sweeps/spec/mapping.h"
#include "sweeps/spec/paths.h"

namespace lorikeet::spec {
namespace {

constexpr const char* kSourceFile = "a file of documents, such as train.jsonl.gz";

void ReadCount(const Mapping& mapping, std::string_view key, std::int64_t low, std::int64_t& to) {
  if (const Value* value = mapping.Find(key)) to = ReadInteger(*value, low).value_or(to);
}
void ReadCount(const Mapping& mapping, std::string_view key, std::int64_t low,
               std::optional<std::int64_t>& to) {
  if (const Value* value = mapping.Find(key)) to = ReadInteger(*value, low);
}
void ReadWord(const Mapping& mapping, std::string_view key, std::string_view right, std::string& to) {
  if (const Value* value = mapping.Find(key)) to = ReadText(*value, right).value_or(to);
}
void ReadWord(const Mapping& mapping, std::string_view key, const std::vector<std::string>& choices,
              std::string& to) {
  if (const Value* value = mapping.Find(key)) to = ReadChoice(*value, choices).value_or(to);
}

void ReadValidation(const Value& value, const PathRules& rules, DataSettings& data) {
  if (!value.IsMapping()) {
    data.validation =
        ReadPath(value, "a file of documents, or {from_train: 0.05}", rules, DataFileMistakes).value_or("");
    return;
  }
  const Mapping mapping = Mapping::Read(value, {"from_train"});
  if (const Value* share =
          mapping.Require("from_train", "the share of train that is held out, such as 0.05")) {
    data.validation_from_train = ReadNumber(*share, Share(false)).value_or(0);
  }
}

void ReadFields(const Value& value, DataSettings& data) {
  const Mapping mapping = Mapping::Read(value, {"source", "target", "id"});
  ReadWord(mapping, "source", "the name of a JSON key", data.source_field);
  ReadWord(mapping, "target", "the name of a JSON key", data.target_field);
  ReadWord(mapping, "id", "the name of a JSON key", data.id_field);
  if (data.source_field == data.target_field) {
    const Value* target = mapping.Find("target");
    (target != nullptr ? *target : *mapping.Find("source")).Refuse("another key than the other field's");
  }
}

void ReadLimit(const Value& value, DataSettings& data) {
  const Mapping mapping = Mapping::Read(value, {"train", "validation", "test"});
  ReadCount(mapping, "train", 1, data.limit_train);
  ReadCount(mapping, "validation", 1, data.limit_validation);
  ReadCount(mapping, "test", 1, data.limit_test);
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
  const Mapping mapping =
      Mapping::Read(value, {"format", "train", "validation", "test", "fields", "source_prefix",
                            "max_source_tokens", "max_target_tokens", "limit"});
  ReadWord(mapping, "format", std::vector<std::string>{"auto", "jsonl", "cohan"}, data.format);
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
  ReadCount(mapping, "max_source_tokens", 1, data.max_source_tokens);
  ReadCount(mapping, "max_target_tokens", 1, data.max_target_tokens);
  if (const Value* limit = mapping.Find("limit")) ReadLimit(*limit, data);
  return data;
}

EvaluateSettings ReadEvaluate(const Value& value, VerdictSettings& verdict) {
  EvaluateSettings evaluate;
  const Mapping mapping = Mapping::Read(
      value, {"beams", "max_new_tokens", "min_new_tokens", "length_penalty", "no_repeat_ngram_size",
              "early_stopping", "batch_size", "sentence_split", "primary", "margin"});
  ReadCount(mapping, "beams", 1, evaluate.beams);
  ReadCount(mapping, "max_new_tokens", 1, evaluate.max_new_tokens);
  ReadCount(mapping, "min_new_tokens", 0, evaluate.min_new_tokens);
  ReadCount(mapping, "no_repeat_ngram_size", 0, evaluate.no_repeat_ngram_size);
  ReadCount(mapping, "batch_size", 1, evaluate.batch_size);
  ReadWord(mapping, "early_stopping", std::vector<std::string>{"true", "false", "never"},
           evaluate.early_stopping);
  ReadWord(mapping, "sentence_split", std::vector<std::string>{"auto", "newline"}, evaluate.sentence_split);
  if (const Value* penalty = mapping.Find("length_penalty")) {
    evaluate.length_penalty = ReadNumber(*penalty, AnyNumber()).value_or(evaluate.length_penalty);
  }
  ReadWord(mapping, "primary", std::vector<std::string>{"rouge1", "rouge2", "rougeL", "rougeLsum"},
           verdict.primary);
  if (const Value* margin = mapping.Find("margin")) {
    verdict.margin = ReadNumber(*margin, {0, false, 100, true, "ROUGE points, above 0 and at most 100"})
                         .value_or(verdict.margin);
  }
  if (evaluate.min_new_tokens > evaluate.max_new_tokens) {
    mapping.Find("min_new_tokens")
        ->Refuse(fmt::format("at most max_new_tokens, {}", evaluate.max_new_tokens));
  }
  return evaluate;
}

ResourceSettings ReadResources(const Value& value, Labels& labels) {
  constexpr std::int64_t kMostGpus = 1024;  // no host has more
  ResourceSettings resources;
  const Mapping mapping = Mapping::Read(value, {"gpus", "memory", "threads", "labels"});
  if (const Value* gpus = mapping.Find("gpus")) resources.gpus = ReadInteger(*gpus, 0, kMostGpus).value_or(0);
  if (const Value* memory = mapping.Find("memory")) resources.memory_bytes = ReadBytes(*memory);
  ReadCount(mapping, "threads", 1, resources.threads);
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
    const std::optional<std::int64_t> seed =
        ReadInteger(element, 0, std::numeric_limits<std::int64_t>::max());
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
