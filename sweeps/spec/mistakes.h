// What is wrong with a sweep file, with the place of each mistake: collected, so that all are reported at
// once.
#pragma once

#include <string>
#include <vector>

#include "common/status.h"

namespace lorikeet::spec {

// A place in the sweep file, counted from 1.
struct Position {
  int line = 1;
  int column = 1;
  friend bool operator==(const Position&, const Position&) = default;
  friend bool operator<(const Position& a, const Position& b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  }
};

// Not thread-safe.
class Mistakes {
 public:
  // `file` is how messages call the sweep file.
  explicit Mistakes(std::string file) : file_(std::move(file)) {}

  // `what` says what is wrong and what would be right, without a trailing full stop.
  void Add(Position at, std::string what);
  bool empty() const { return mistakes_.empty(); }
  std::size_t size() const { return mistakes_.size(); }

  // InvalidArgument with a line "file:line:column: what" a mistake, by position, each once; OK where there is
  // none.
  Status ToStatus() const;

 private:
  struct Mistake {
    Position at;
    std::string what;
    friend bool operator==(const Mistake&, const Mistake&) = default;
  };
  std::string file_;
  std::vector<Mistake> mistakes_;
};

}  // namespace lorikeet::spec
