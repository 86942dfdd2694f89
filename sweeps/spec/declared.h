// The keys of the sweep file, each said once: its name, what values it takes, its default, what it means.
//
// The readers take names, types and limits from here; docs/sweep-file.md's tables and the JSON Schema are
// printed from the same (tables.h, schema.h). Plain values, immutable; thread-safe. No YAML in it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lorikeet::spec {

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

struct Declared;
using Keys = std::vector<Declared>;

// What values a key takes.
struct Type {
  enum class Of {
    kWhole,      // low to high
    kNumber,     // in `range`
    kSwitch,     // true or false
    kChoice,     // one of `choices`
    kText,       // not empty
    kMaybeText,  // or empty, or left out after the colon
    kPath,
    kName,      // of a sweep
    kAxis,      // a key that has a list of values in an arm
    kRow,       // an arm, or a configuration by its name
    kDuration,  // at least `shortest`
    kSize,
    kList,     // of parts[0], `least` to `most` of them, each once where `unique`
    kLabels,   // a mapping whose keys are the user's own
    kMapping,  // with `keys`
    kEither,   // one of `parts`
  };
  Of of = Of::kText;
  std::int64_t low = 0, high = kMostCount;
  Range range = {0, true, 0, true, ""};
  std::vector<std::string> choices = {};
  std::chrono::milliseconds shortest{0};
  std::vector<Type> parts = {};
  std::size_t least = 1, most = 0;  // most 0: any number
  bool unique = false;
  // A function, since mappings hold mappings. It must not move what it returns.
  std::function<const Keys&()> keys = {};
};

Type Whole(std::int64_t low, std::int64_t high = kMostCount);
Type Numeric(Range range);
Type OneOf(std::vector<std::string> choices);
Type Plain(Type::Of of);  // of a kind without limits
Type Lasting(std::chrono::milliseconds shortest);
Type ListOf(Type element, std::size_t least, std::size_t most, bool unique);
Type MappingOf(std::function<const Keys&()> keys);
Type Either(std::vector<Type> parts);

// What holds where the file leaves the key out.
struct Default {
  std::string text;     // a value as the file would have it, or words
  bool literal = true;  // which of them
  bool needed = false;  // there is none: the section is wrong without the key
};
Default Is(std::string value);
Default Needed();
Default Words(std::string words);  // "none", "all", "needed, here or in the arm"

struct Declared {
  std::string name;
  Type type;
  Default otherwise;
  std::string meaning;  // Markdown, in one line
};

std::vector<std::string> NamesOf(const Keys& keys);
// The key, which must be there: one that is read and not declared is a mistake of ours.
const Declared& KeyOf(const Keys& keys, std::string_view name);

}  // namespace lorikeet::spec
