#include "sweeps/spec/declared.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "sweeps/spec/quantity.h"

namespace lorikeet::spec {

Range Above(double low) {
  return {low, false, std::numeric_limits<double>::max(), true, "above " + FormatDecimal(low)};
}
Range AtLeast(double low) {
  return {low, true, std::numeric_limits<double>::max(), true, "at least " + FormatDecimal(low)};
}
Range Share(bool zero_allowed) {
  return {0, zero_allowed, 1, false, zero_allowed ? "at least 0 and below 1" : "above 0 and below 1"};
}
Range AnyNumber() {
  return {std::numeric_limits<double>::lowest(), true, std::numeric_limits<double>::max(), true,
          "of any size"};
}

Type Plain(Type::Of of) {
  Type type;
  type.of = of;
  return type;
}

Type Whole(std::int64_t low, std::int64_t high) {
  Type type = Plain(Type::Of::kWhole);
  type.low = low;
  type.high = high;
  return type;
}

Type Numeric(Range range) {
  Type type = Plain(Type::Of::kNumber);
  type.range = std::move(range);
  return type;
}

Type OneOf(std::vector<std::string> choices) {
  Type type = Plain(Type::Of::kChoice);
  type.choices = std::move(choices);
  return type;
}

Type Lasting(std::chrono::milliseconds shortest) {
  Type type = Plain(Type::Of::kDuration);
  type.shortest = shortest;
  return type;
}

Type ListOf(Type element, std::size_t least, std::size_t most, bool unique) {
  Type type = Plain(Type::Of::kList);
  type.parts.push_back(std::move(element));
  type.least = least;
  type.most = most;
  type.unique = unique;
  return type;
}

Type MappingOf(std::function<const Keys&()> keys) {
  Type type = Plain(Type::Of::kMapping);
  type.keys = std::move(keys);
  return type;
}

Type Either(std::vector<Type> parts) {
  Type type = Plain(Type::Of::kEither);
  type.parts = std::move(parts);
  return type;
}

Default Is(std::string value) { return {.text = std::move(value)}; }
Default Needed() { return {.text = "needed", .literal = false, .needed = true}; }
Default Words(std::string words) { return {.text = std::move(words), .literal = false}; }

std::vector<std::string> NamesOf(const Keys& keys) {
  std::vector<std::string> names;
  names.reserve(keys.size());
  for (const Declared& key : keys) names.push_back(key.name);
  return names;
}

const Declared& KeyOf(const Keys& keys, std::string_view name) {
  const auto key = std::find_if(keys.begin(), keys.end(), [&](const Declared& k) { return k.name == name; });
  if (key == keys.end()) throw std::logic_error(fmt::format("the key {} is read and not declared", name));
  return *key;
}

}  // namespace lorikeet::spec
