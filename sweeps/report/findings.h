// What a check has to say: so many lines that a person reads them.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace lorikeet::report {

class Findings {
 public:
  static constexpr std::size_t kMostLines = 100;

  bool full() const { return lines_.size() >= kMostLines; }
  // The last line that there is room for says that there are more.
  void Add(std::string line) {
    if (!full()) lines_.push_back(std::move(line));
    if (full()) lines_.back() = "and more";
  }
  std::vector<std::string> Take() { return std::move(lines_); }

 private:
  std::vector<std::string> lines_;
};

}  // namespace lorikeet::report
