// A mapping of the sweep file, whose keys are known beforehand.
//
// Not thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sweeps/spec/reader.h"

namespace lorikeet::spec {

// A mapping: every key known, none twice. Wrong keys are reported while it is made.
class Mapping {
 public:
  struct Entry {
    std::string key;
    Position at;  // of the key
    Value value;  // an empty value (null) stands where its key stands
  };

  // A key that means something, and may not be set. `why` says that, and what would be right.
  struct Refused {
    std::string key;
    std::string why;
  };

  // A value that is no mapping is refused, but for an empty one (`data:`), which is a mapping without keys.
  // Keys in `refused` are refused by name.
  static Mapping Read(const Value& value, const std::vector<std::string>& known,
                      const std::vector<Refused>& refused = {});
  // The same, of keys that are declared; `keys` must outlive the mapping.
  static Mapping ReadDeclared(const Value& value, const Keys& keys, const std::vector<Refused>& refused = {});

  // The key's value; nullptr where the file does not have it.
  const Value* Find(std::string_view key) const;
  // The same, and reports a missing one: "path: missing: right". Not where a misspelt key stands for it.
  const Value* Require(std::string_view key, std::string_view right) const;
  // Whether the file has the key, or a misspelt one that was probably meant to be it.
  bool Mentions(std::string_view key) const;
  // What is declared of the key's values; of a mapping that was read by its declarations.
  const Type& TypeOf(std::string_view key) const { return KeyOf(*declared_, key).type; }
  // The well-formed entries, in file order, each key once.
  const std::vector<Entry>& entries() const { return entries_; }
  Position at() const { return self_.at; }
  std::string PathOf(std::string_view key) const;

 private:
  Value self_;
  const Keys* declared_ = nullptr;
  std::vector<Entry> entries_;
  std::vector<std::string> meant_;  // what misspelt keys were probably meant to be
};

}  // namespace lorikeet::spec
