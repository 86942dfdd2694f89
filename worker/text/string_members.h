// The members of a flat JSON object whose values are strings, read without building a tree: what a line of a
// data file mostly is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lorikeet::text {

struct StringMember {
  std::string key, value;
};

// Keeps its strings' memory from object to object. Not thread-safe.
class StringMembers {
 public:
  // Takes the object's members; false for anything but one object of strings with distinct keys, in valid
  // UTF-8: the whole parser is then to read it, or to say what is wrong.
  bool Read(std::string_view json);

  // Of the last object that was read; null without the key. A caller may move the value out.
  std::string* Find(std::string_view key);
  std::size_t size() const { return size_; }

 private:
  std::vector<StringMember> members_;
  std::size_t size_ = 0;
};

}  // namespace lorikeet::text
