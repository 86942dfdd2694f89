// Whether two sweeps of one priority, whose trials fit the same slots, get the same share.
//
// What the scheduler promises: while both have something ready all the time they are served by turns, so that
// over any stretch of that time their grants differ by one at most. Who is next is not remembered through a
// restart of the coordinator; and a lost trial that is given up in place of a grant has used up no turn.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lorikeet::fleet {

class Fairness {
 public:
  // How things stand after a turn of the coordinator's.
  struct Look {
    std::uint64_t stretch = 0;    // another number where the coordinator or a person began a new one
    bool both_wait = false;       // each has a trial that is ready, and was not granted in this turn either
    std::int64_t difference = 0;  // grants of the one less those of the other, since the beginning
    std::int64_t given_up = 0;    // trials, since the beginning
  };
  // What is unfair, or nothing.
  std::string See(const Look& look);

 private:
  std::optional<Look> last_;
  // Of the stretch that goes on.
  std::int64_t low_ = 0, high_ = 0, given_up_before_ = 0;
};

}  // namespace lorikeet::fleet
