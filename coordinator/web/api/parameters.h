// What stands behind the '?' of a request, checked: every value has a range, and a name that nobody asks for
// is a mistake, not a silence.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/status.h"

namespace lorikeet::web {

// Not thread-safe: of one request. The first mistake is kept, and whatever is asked for later has its
// default.
class Parameters {
 public:
  explicit Parameters(const std::multimap<std::string, std::string>& given) : given_(given) {}

  std::int64_t Number(const std::string& name, std::int64_t without, std::int64_t least, std::int64_t most);
  // One of these; the first without it.
  std::string Choice(const std::string& name, const std::vector<std::string>& choices);
  // UTF-8 of at most so many bytes; empty without it.
  std::string Text(const std::string& name, std::size_t most_bytes);
  bool Flag(const std::string& name);  // 0 or 1
  // "t-1,t-2": ids of ours.
  std::vector<std::string> Ids(const std::string& name, std::size_t most);
  // "1,2,3": numbers of ours, from 0.
  std::vector<std::int64_t> Numbers(const std::string& name, std::size_t most);

  // InvalidArgument that names the parameter and what would be right, unknown ones too. Ask last.
  Status Mistake() const;

 private:
  const std::string* Find(const std::string& name);
  void Refuse(std::string why);

  const std::multimap<std::string, std::string>& given_;
  std::set<std::string> known_;
  std::string mistake_;
};

// Whether it may be an id of ours: letters, digits and dashes, at most 64.
bool IsId(const std::string& text);

}  // namespace lorikeet::web
