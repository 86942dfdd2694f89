// p-values corrected by Holm (1979) for a family of tests whose size was fixed beforehand: the probability of
// even one false finding in the family stays at the level, whichever hypotheses are true. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <vector>

namespace lorikeet::comparison {

// In the order given. Where the family has more tests than are known yet, those count as the largest: what is
// corrected now only falls once they come. A family smaller than what is given counts as that many.
std::vector<double> Holm(const std::vector<double>& p_values, std::int64_t family);

}  // namespace lorikeet::comparison
