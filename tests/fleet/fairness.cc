#include "tests/fleet/fairness.h"

#include <algorithm>

namespace lorikeet::fleet {

std::string Fairness::See(const Look& look) {
  // Where both waited before a turn and after it, both had something to grant throughout.
  const bool goes_on = last_ && last_->both_wait && look.both_wait && last_->stretch == look.stretch;
  if (!goes_on) {
    low_ = high_ = look.difference;
    given_up_before_ = look.given_up;
  }
  low_ = std::min(low_, look.difference);
  high_ = std::max(high_, look.difference);
  last_ = look;
  const std::int64_t most = 1 + look.given_up - given_up_before_;
  if (high_ - low_ <= most) return "";
  return "of two sweeps that both waited one was granted " + std::to_string(high_ - low_) + " trials more";
}

}  // namespace lorikeet::fleet
