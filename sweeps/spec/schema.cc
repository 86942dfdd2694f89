#include "sweeps/spec/schema.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "sweeps/spec/keys.h"

namespace lorikeet::spec {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kLabelPattern = "^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$";

// YAML's `2024` is a text where a text is asked for; a pattern looks at texts alone.
Json TextTypes() { return {"string", "number", "boolean"}; }

Json TypeSchema(const Type& type);
Json MappingSchema(const Keys& keys);

Json WholeSchema(const Type& type) {
  return {{"type", "integer"}, {"minimum", type.low}, {"maximum", type.high}};
}

Json NumberSchema(const Range& range) {
  Json schema = {{"type", "number"}};
  if (range.low != std::numeric_limits<double>::lowest())
    schema[range.low_allowed ? "minimum" : "exclusiveMinimum"] = range.low;
  if (range.high != std::numeric_limits<double>::max())
    schema[range.high_allowed ? "maximum" : "exclusiveMaximum"] = range.high;
  return schema;
}

// The words, and true and false where they are among them.
Json ChoiceSchema(const std::vector<std::string>& choices) {
  Json values = choices;
  for (const bool value : {true, false}) {
    if (std::find(choices.begin(), choices.end(), value ? "true" : "false") != choices.end())
      values.push_back(value);
  }
  return {{"enum", values}};
}

Json ListSchema(const Type& type) {
  Json schema = {{"type", "array"}, {"items", TypeSchema(type.parts[0])}, {"minItems", type.least}};
  if (type.most > 0) schema["maxItems"] = type.most;
  if (type.unique) schema["uniqueItems"] = true;
  return schema;
}

Json NameSchema() {
  return {{"type", TextTypes()},
          {"pattern", "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"},
          {"not", {{"pattern", "^s-[a-z0-9]{12}$"}, {"type", "string"}}}};
}

Json DurationSchema() {
  return {{"type", "string"},
          {"pattern", "^(?=.)([0-9]{1,15}d)?([0-9]{1,15}h)?([0-9]{1,15}m)?([0-9]{1,15}s)?([0-9]{1,15}ms)?$"}};
}

Json SizeSchema() {
  return {{"type", "string"},
          {"pattern", "^([0-9]+\\.?[0-9]*|\\.[0-9]+) *(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$"}};
}

Json RowSchema() {
  std::string arms;
  for (const Declared& arm : ArmsKeys()) arms += (arms.empty() ? "" : "|") + arm.name;
  return {{"type", "string"}, {"pattern", "^(" + arms + ")( .*)?$"}};
}

Json TypeSchema(const Type& type) {
  switch (type.of) {
    case Type::Of::kWhole:
      return WholeSchema(type);
    case Type::Of::kNumber:
      return NumberSchema(type.range);
    case Type::Of::kSwitch:
      return {{"type", "boolean"}};
    case Type::Of::kChoice:
      return ChoiceSchema(type.choices);
    case Type::Of::kText:
    case Type::Of::kAxis:
      return {{"type", TextTypes()}, {"minLength", 1}};
    case Type::Of::kMaybeText:
      return {{"type", {"string", "number", "boolean", "null"}}};
    case Type::Of::kPath:
      return {{"type", TextTypes()}, {"minLength", 1}, {"pattern", "^(?!~(/|$))"}};
    case Type::Of::kName:
      return NameSchema();
    case Type::Of::kRow:
      return RowSchema();
    case Type::Of::kDuration:
      return DurationSchema();
    case Type::Of::kSize:
      return SizeSchema();
    case Type::Of::kList:
      return ListSchema(type);
    case Type::Of::kLabels:
      return {{"type", {"object", "null"}},
              {"propertyNames", {{"pattern", kLabelPattern}}},
              {"additionalProperties", {{"type", TextTypes()}, {"pattern", kLabelPattern}}}};
    case Type::Of::kMapping:
      return MappingSchema(type.keys());
    case Type::Of::kEither: {
      Json any = Json::array();
      for (const Type& part : type.parts) any.push_back(TypeSchema(part));
      return {{"anyOf", any}};
    }
  }
  return true;
}

// "[q, v]", "0.5", "adamw": as JSON has it.
Json DefaultValue(const std::string& text) {
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!value.is_discarded()) return value;
  if (text.front() != '[') return text;
  value = Json::array();
  for (std::size_t at = 1; at + 1 < text.size();) {
    const std::size_t end = std::min(text.find(", ", at), text.size() - 1);
    value.push_back(text.substr(at, end - at));
    at = end + 2;
  }
  return value;
}

// A meaning without its links, which lead from the page.
std::string WithoutLinks(std::string_view meaning) {
  std::string text;
  while (!meaning.empty()) {
    const std::size_t middle = meaning.find("](");
    if (middle == std::string_view::npos) return text + std::string(meaning);
    const std::size_t open = meaning.rfind('[', middle), close = meaning.find(')', middle);
    text += meaning.substr(0, open);
    text += meaning.substr(open + 1, middle - open - 1);
    meaning.remove_prefix(close + 1);
  }
  return text;
}

Json Described(Json schema, const Declared& key) {
  schema["description"] = WithoutLinks(key.meaning);
  if (key.otherwise.literal) schema["default"] = DefaultValue(key.otherwise.text);
  return schema;
}

// Of an object, since "required" holds of everything else.
Json NotBoth(const char* one, const char* other) {
  return {{"not", {{"type", "object"}, {"required", {one, other}}}}};
}
Json OneNeeded(const char* one, const char* other) {
  const Json of_one = {{"required", {one}}}, of_other = {{"required", {other}}};
  return {{"anyOf", {of_one, of_other}}};
}

// What the keys of one mapping must agree on. The reader's own checks are in arms.cc and collector.cc; a test
// puts both to the same files.
std::vector<Json> RulesOf(const Keys& keys) {
  if (&keys == &TrainSectionKeys()) return {NotBoth("epochs", "steps")};
  if (&keys == &OwnKeys(Method::kLora))
    return {NotBoth("alpha", "alpha_over_rank"), OneNeeded("rank", "adapter")};
  if (&keys == &OwnKeys(Method::kPrompt))
    return {OneNeeded("tokens", "adapter"), NotBoth("adapter", "init"), NotBoth("adapter", "init_text")};
  if (&keys != &OptimizerMappingKeys()) return {};
  std::vector<Json> rules;
  const std::vector<std::pair<std::string, std::vector<std::string>>> not_of = {
      {"adamw", {"relative_step", "scale_parameter"}}, {"adafactor", {"betas", "eps"}}};
  for (const auto& [name, others] : not_of) {
    Json refused = Json::object();
    for (const std::string& key : others) refused[key] = false;
    rules.push_back(
        {{"if", {{"properties", {{"name", {{"const", name}}}}}}}, {"then", {{"properties", refused}}}});
  }
  return rules;
}

void AddRules(const Keys& keys, Json& schema) {
  for (Json& rule : RulesOf(keys)) schema["allOf"].push_back(std::move(rule));
}

void AddRequired(const Keys& keys, Json& schema) {
  for (const Declared& key : keys) {
    if (key.otherwise.needed) schema["required"].push_back(key.name);
  }
}

// Where nothing is needed, `train:` with nothing behind it is a mapping without keys.
Json EmptyMapping(bool needs_something) {
  return {{"type", needs_something ? Json("object") : Json({"object", "null"})},
          {"additionalProperties", false}};
}

Json ArmsSchema();

Json MappingSchema(const Keys& keys) {
  if (&keys == &ArmsKeys()) return ArmsSchema();
  Json properties = Json::object();
  for (const Declared& key : keys) properties[key.name] = Described(TypeSchema(key.type), key);
  const bool needs_something =
      std::any_of(keys.begin(), keys.end(), [](const Declared& key) { return key.otherwise.needed; });
  Json schema = EmptyMapping(needs_something);
  schema["properties"] = properties;
  AddRequired(keys, schema);
  AddRules(keys, schema);
  return schema;
}

// A value, or a list of values: an axis. A mapping (`optimizer`) has its axes inside.
Json AxisSchema(const Type& type) {
  if (type.of == Type::Of::kMapping) {
    Json schema = MappingSchema(type.keys());
    for (const Declared& key : type.keys())
      schema["properties"][key.name] = Described(AxisSchema(key.type), key);
    return schema;
  }
  if (type.of == Type::Of::kEither && std::any_of(type.parts.begin(), type.parts.end(), [](const Type& part) {
        return part.of == Type::Of::kMapping;
      })) {
    Json any = Json::array();
    for (const Type& part : type.parts) any.push_back(AxisSchema(part));
    return {{"anyOf", any}};
  }
  const Json one = TypeSchema(type);
  const Json several = {{"type", "array"}, {"items", one}, {"minItems", 1}, {"uniqueItems", true}};
  return {{"anyOf", {one, several}}};
}

Json ArmSchema(Method method, const Declared& arm) {
  const Keys& own = OwnKeys(method);
  Json properties = Json::object();
  for (const Declared& key : own) properties[key.name] = Described(AxisSchema(key.type), key);
  if (Trains(method)) {
    for (const Declared& key : TrainSectionKeys()) {
      if (!properties.contains(key.name)) properties[key.name] = {{"$ref", "#/definitions/" + key.name}};
    }
  }
  const bool needs_something = method == Method::kLora || method == Method::kPrompt;
  Json schema = EmptyMapping(needs_something);
  schema["description"] = arm.meaning;
  schema["properties"] = properties;
  AddRules(own, schema);
  if (Trains(method)) AddRules(TrainSectionKeys(), schema);
  return schema;
}

Json ArmsSchema() {
  Json schema = EmptyMapping(/*needs_something=*/true);
  schema["minProperties"] = 1;
  for (const Method method : kMethods)
    schema["properties"][MethodName(method)] = ArmSchema(method, KeyOf(ArmsKeys(), MethodName(method)));
  return schema;
}

}  // namespace

std::string SweepFileSchema() {
  Json schema = {
      {"$schema", "http://json-schema.org/draft-07/schema#"},
      {"title", "Lorikeet sweep file"},
      {"description", "What is compared with what: docs/sweep-file.md. Printed by `sweepctl schema`."}};
  schema.update(MappingSchema(FileKeys()));
  // What any arm that trains may set, with its own values or axes.
  for (const Declared& key : TrainSectionKeys())
    schema["definitions"][key.name] = Described(AxisSchema(key.type), key);
  return schema.dump(1) + "\n";
}

}  // namespace lorikeet::spec
