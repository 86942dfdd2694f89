// Values of the sweep file with their places: scalars read strictly, mappings with their keys known
// beforehand.
//
// Every reader reports what is wrong to the value's Mistakes, as "path: value: what would be right", and then
// returns nothing. Not thread-safe (YAML nodes are not). yaml-cpp's types stop at this folder's own headers.
#pragma once

#include <yaml-cpp/yaml.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sweeps/spec/declared.h"
#include "sweeps/spec/mistakes.h"

namespace lorikeet::spec {

// One value of the file. Cheap to copy; shares the node and refers to the Mistakes, which must outlive it.
struct Value {
  YAML::Node node;
  std::string path;  // "arms.lora.rank"; empty for the whole file
  Position at;
  Mistakes* mistakes = nullptr;

  bool IsNull() const { return node.IsNull(); }
  bool IsList() const { return node.IsSequence(); }
  bool IsMapping() const { return node.IsMap(); }
  // The elements of a list, each with its own place and this path.
  std::vector<Value> Elements() const;
  // Reports "path: value: right".
  void Refuse(std::string_view right) const;
};

// How a message shows a value: as the file writes it, shortened; control characters escaped.
std::string Show(const YAML::Node& node);
std::string ShowText(std::string_view text);

std::optional<std::int64_t> ReadInteger(const Value& value, std::int64_t low, std::int64_t high = kMostCount);
std::optional<double> ReadNumber(const Value& value, const Range& range);
std::optional<bool> ReadBool(const Value& value);
// Text as it stands, quoted or not; empty text only where `may_be_empty`. `right` says what text is expected.
std::optional<std::string> ReadText(const Value& value, std::string_view right, bool may_be_empty = false);
std::optional<std::string> ReadChoice(const Value& value, std::span<const std::string> choices);
std::optional<std::chrono::milliseconds> ReadDuration(const Value& value, std::chrono::milliseconds low);
std::optional<std::int64_t> ReadBytes(const Value& value);
// By what is declared of the key, which must be of that kind.
std::optional<std::int64_t> ReadInteger(const Value& value, const Type& whole);
std::optional<double> ReadNumber(const Value& value, const Type& number);
std::optional<std::string> ReadChoice(const Value& value, const Type& choice);
std::optional<std::chrono::milliseconds> ReadDuration(const Value& value, const Type& duration);

// "a, b or c".
std::string Joined(std::span<const std::string> words);
// Where a node stands; `otherwise` for one that is empty or was made by no text.
Position PositionOf(const YAML::Node& node, Position otherwise);
// Refuses a value with a YAML tag of its own ("!!int 8"): what it means is not ours to guess. True where it
// has none.
bool CheckTag(const Value& value);

}  // namespace lorikeet::spec
