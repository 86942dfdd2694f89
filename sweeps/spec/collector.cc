#include "sweeps/spec/collector.h"

#include <algorithm>

#include "sweeps/spec/keys.h"
#include "sweeps/spec/mapping.h"
#include "sweeps/spec/quantity.h"

namespace lorikeet::spec {
namespace {

// A list; for a key whose one value is a list, a list of lists.
bool IsAxis(const Key& key, const Value& value) {
  if (!value.IsList()) return false;
  if (!key.list) return true;
  for (const YAML::Node& element : value.node) {
    if (element.IsSequence()) return true;
  }
  return false;
}

void CheckOptimizerKey(const std::string& optimizer, const Mapping::Entry& entry) {
  const bool of_adamw = entry.key == "betas" || entry.key == "eps";
  const bool of_adafactor = entry.key == "relative_step" || entry.key == "scale_parameter";
  if ((of_adamw && optimizer == "adafactor") || (of_adafactor && optimizer == "adamw")) {
    entry.value.mistakes->Add(
        entry.at, fmt::format("{}: {} has no such setting; it is {}'s", entry.value.path, optimizer,
                              of_adamw ? "adamw" : "adafactor"));
  }
}

}  // namespace

void Collector::Read(const Key& key, const Value& value) {
  given_[key.name] = value.at;
  if (axes_ && (key.named || IsAxis(key, value))) {
    ReadAxis(key, value);
  } else if (value.IsList() && !key.list) {
    value.Refuse("one value: lists are axes, and stand inside an arm only");
  } else if (std::optional<Setting> setting = key.read(value)) {
    arm_.fixed.emplace_back(key.name, *std::move(setting));
  }
}

void Collector::ReadAxis(const Key& key, const Value& value) {
  const std::vector<Value> elements = IsAxis(key, value) ? value.Elements() : std::vector<Value>{value};
  if (elements.empty()) {
    value.Refuse("an axis with at least one value");
    return;
  }
  const auto length = static_cast<std::int64_t>(elements.size());
  std::int64_t product = 0;
  const bool overflows =
      !arm_.configurations || __builtin_mul_overflow(*arm_.configurations, length, &product);
  arm_.configurations = overflows ? std::nullopt : std::optional(product);
  Axis axis{.name = key.name, .values = {}};
  std::map<std::string, int> lines;
  for (const Value& element : elements) {
    std::optional<Setting> setting = key.read(element);
    if (!setting) continue;
    const auto [first, is_new] = lines.emplace(setting->text, element.at.line);
    if (!is_new) {
      element.Refuse(fmt::format("each value of an axis once (it stands in line {} too)", first->second));
      continue;
    }
    axis.values.push_back(*std::move(setting));
  }
  arm_.axes.push_back(std::move(axis));
}

void Collector::ReadOptimizer(const Value& value) {
  const Key& name = OptimizerKeys().front();
  if (!value.IsMapping()) {
    Read(name, value);
    return;
  }
  const Mapping mapping = Mapping::ReadDeclared(value, OptimizerMappingKeys());
  const Value* named = mapping.Require("name", "adamw or adafactor");
  for (const Mapping::Entry& entry : mapping.entries()) {
    Read(entry.key == "name" ? name : *FindKey(OptimizerKeys(), name.name + "." + entry.key), entry.value);
    if (named != nullptr && named->node.IsScalar()) CheckOptimizerKey(named->node.Scalar(), entry);
  }
}

std::optional<Position> Collector::Given(const std::string& key) const {
  const auto given = given_.find(key);
  return given == given_.end() ? std::nullopt : std::optional(given->second);
}

std::vector<std::int64_t> Collector::Counts(const std::string& key,
                                            std::optional<std::int64_t> otherwise) const {
  std::vector<std::int64_t> counts;
  const auto add = [&](const Setting& setting) {
    if (const auto count = ParseInteger(setting.text).value) counts.push_back(*count);
  };
  for (const auto& [name, setting] : arm_.fixed) {
    if (name == key) add(setting);
  }
  for (const Axis& axis : arm_.axes) {
    if (axis.name == key) std::for_each(axis.values.begin(), axis.values.end(), add);
  }
  if (counts.empty() && !Given(key) && otherwise) counts.push_back(*otherwise);
  return counts;
}

}  // namespace lorikeet::spec
