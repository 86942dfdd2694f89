// What was asked, and what was measured.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/status.h"

namespace lorikeet::load {

// Not thread-safe.
class Table {
 public:
  // A line of the table, and under `key` a number (or null) of the JSON file.
  void Add(const std::string& what, const std::string& asked, const std::string& measured,
           const std::string& key, const nlohmann::json& value);
  // "what | asked | measured", aligned.
  std::string Text() const;
  // {"rows": [{"what", "asked", "measured", "key", "value"}]}
  Status WriteJson(const std::string& file) const;

 private:
  struct Line {
    std::string what, asked, measured, key;
    nlohmann::json value;
  };
  std::vector<Line> lines_;
};

}  // namespace lorikeet::load
