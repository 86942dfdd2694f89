#include "sweeps/spec/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "sweeps/spec/keys.h"
#include "sweeps/spec/quantity.h"

namespace lorikeet::spec {
namespace {

struct Section {
  std::string id;
  std::string prefix;  // of the names in the table: "keep."
  const Keys& keys;
};

// A table may be of several sections, one after the other.
const std::vector<Section>& Sections() {
  static const auto& sections = *new std::vector<Section>{
      {"file", "", FileKeys()},
      {"data", "", DataKeys()},
      {"train", "", TrainSectionKeys()},
      {"optimizer", "", OptimizerMappingKeys()},
      {"evaluate", "", EvaluateKeys()},
      {"tune", "", TuneKeys()},
      {"resources", "resources.", ResourceKeys()},
      {"resources", "retry.", RetryKeys()},
      {"keep", "keep.", KeepKeys()},
  };
  return sections;
}

bool HasItsOwn(const Keys& keys) {
  const std::vector<Section>& sections = Sections();
  return &keys == &ArmsKeys() ||
         std::any_of(sections.begin(), sections.end(), [&](const Section& s) { return &s.keys == &keys; });
}

std::string Code(std::string_view text) { return fmt::format("`{}`", text); }

std::string WholeWords(const Type& type) {
  if (type.high == kMostCount) return fmt::format("count ≥ {}", type.low);
  if (type.high == std::numeric_limits<std::int64_t>::max())
    return fmt::format("whole number ≥ {}", type.low);
  return fmt::format("{} to {}", type.low, type.high);
}

std::string NumberWords(const Range& range) {
  std::string low, high;
  if (range.low != std::numeric_limits<double>::lowest())
    low = fmt::format(" {} {}", range.low_allowed ? "≥" : ">", FormatDecimal(range.low));
  if (range.high != std::numeric_limits<double>::max())
    high = fmt::format("{} {} {}", low.empty() ? "" : ",", range.high_allowed ? "≤" : "<",
                       FormatDecimal(range.high));
  return "number" + low + high;
}

std::string TypeWords(const Type& type);

std::string MappingWords(const Keys& keys) {
  std::string text;
  for (const Declared& key : keys)
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", Code(key.name), TypeWords(key.type));
  return "mapping (" + text + ")";
}

std::string EitherWords(const Type& type) {
  std::string text;
  for (const Type& part : type.parts) {
    const bool whole = part.of == Type::Of::kMapping && !HasItsOwn(part.keys());
    text += (text.empty() ? "" : ", or ") + (whole ? MappingWords(part.keys()) : TypeWords(part));
  }
  return text;
}

std::string TypeWords(const Type& type) {
  switch (type.of) {
    case Type::Of::kWhole:
      return WholeWords(type);
    case Type::Of::kNumber:
      return NumberWords(type.range);
    case Type::Of::kSwitch:
      return "`true`, `false`";
    case Type::Of::kChoice: {
      std::string text;
      for (const std::string& choice : type.choices) text += (text.empty() ? "" : ", ") + Code(choice);
      return text;
    }
    case Type::Of::kText:
    case Type::Of::kMaybeText:
      return "text";
    case Type::Of::kPath:
      return "path";
    case Type::Of::kAxis:
      return "key";
    case Type::Of::kName:
    case Type::Of::kRow:
      return "name";
    case Type::Of::kDuration:
      if (type.shortest.count() == 0) return "duration";
      return fmt::format("duration ≥ {}s", type.shortest.count() / 1000);
    case Type::Of::kSize:
      return "size";
    case Type::Of::kList:
      if (type.least == type.most)
        return fmt::format("list of {} ({})", type.least, TypeWords(type.parts[0]));
      return fmt::format("list ({}{})", TypeWords(type.parts[0]), type.unique ? ", each once" : "");
    case Type::Of::kLabels:
      return "mapping of words";
    case Type::Of::kMapping:
      return "mapping";
    case Type::Of::kEither:
      return EitherWords(type);
  }
  return "";
}

std::string DefaultWords(const Default& otherwise) {
  if (!otherwise.literal || ParseDecimal(otherwise.text).value) return otherwise.text;
  return Code(otherwise.text);
}

std::string Cells(const Declared& key) {
  return fmt::format("{} | {} | {}", TypeWords(key.type), DefaultWords(key.otherwise), key.meaning);
}

// A mapping without a table of its own has its keys here: `limit.train`.
void AddRows(const std::string& prefix, const Keys& keys, std::string& text) {
  for (const Declared& key : keys) {
    text += fmt::format("| {} | {} |\n", Code(prefix + key.name), Cells(key));
    if (key.type.of == Type::Of::kMapping && !HasItsOwn(key.type.keys()))
      AddRows(prefix + key.name + ".", key.type.keys(), text);
  }
}

std::string ArmsTable() {
  std::string text = "| arm | key | type | default | meaning |\n|---|---|---|---|---|\n";
  for (const Declared& arm : ArmsKeys()) {
    text += fmt::format("| {} | | | | {} |\n", Code(arm.name), arm.meaning);
    for (const Declared& key : arm.type.keys())
      text += fmt::format("| | {} | {} |\n", Code(key.name), Cells(key));
  }
  return text;
}

}  // namespace

std::vector<KeyTable> KeyTables() {
  std::vector<KeyTable> tables;
  for (const Section& section : Sections()) {
    if (section.id == "tune") tables.push_back({"arms", ArmsTable()});
    if (tables.empty() || tables.back().id != section.id)
      tables.push_back({section.id, "| key | type | default | meaning |\n|---|---|---|---|\n"});
    AddRows(section.prefix, section.keys, tables.back().text);
  }
  return tables;
}

std::string KeyTablesAsMarkdown() {
  std::string text;
  for (const KeyTable& table : KeyTables())
    text += fmt::format("{0}<!-- keys:{1} -->\n{2}<!-- /keys:{1} -->\n", text.empty() ? "" : "\n", table.id,
                        table.text);
  return text;
}

}  // namespace lorikeet::spec
