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

// A range of numbers and the words for it ("above 0", "at least 0 and below 1").
struct Range {
  double low;
  bool low_allowed;
  double high;
  bool high_allowed;
  std::string words;
};
Range Above(double low);
Range AtLeast(double low);
Range Share(bool zero_allowed);  // 0 (or above 0) up to but not with 1
Range AnyNumber();

inline constexpr std::int64_t kMostCount =
    2'147'483'647;  // of steps, documents, tokens: what an int holds everywhere

std::optional<std::int64_t> ReadInteger(const Value& value, std::int64_t low, std::int64_t high = kMostCount);
std::optional<double> ReadNumber(const Value& value, const Range& range);
std::optional<bool> ReadBool(const Value& value);
// Text as it stands, quoted or not; empty text only where `may_be_empty`. `right` says what text is expected.
std::optional<std::string> ReadText(const Value& value, std::string_view right, bool may_be_empty = false);
std::optional<std::string> ReadChoice(const Value& value, std::span<const std::string> choices);
std::optional<std::chrono::milliseconds> ReadDuration(const Value& value, std::chrono::milliseconds low);
std::optional<std::int64_t> ReadBytes(const Value& value);

// A mapping: every key known, none twice. Wrong keys are reported while it is made.
class Mapping {
 public:
  struct Entry {
    std::string key;
    Position at;  // of the key
    Value value;  // an empty value (null) stands where its key stands
  };

  // A value that is no mapping is refused, but for an empty one (`data:`), which is a mapping without keys.
  // Keys in `later` are refused by name.
  static Mapping Read(const Value& value, const std::vector<std::string>& known,
                      const std::vector<std::string>& later = {});

  // The key's value; nullptr where the file does not have it.
  const Value* Find(std::string_view key) const;
  // The same, and reports a missing one: "path: missing: right". Not where a misspelt key stands for it.
  const Value* Require(std::string_view key, std::string_view right) const;
  // Whether the file has the key, or a misspelt one that was probably meant to be it.
  bool Mentions(std::string_view key) const;
  // The well-formed entries, in file order, each key once.
  const std::vector<Entry>& entries() const { return entries_; }
  Position at() const { return self_.at; }
  std::string PathOf(std::string_view key) const;

 private:
  Value self_;
  std::vector<Entry> entries_;
  std::vector<std::string> meant_;  // what misspelt keys were probably meant to be
};

}  // namespace lorikeet::spec
