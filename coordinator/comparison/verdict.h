// What may be said of a configuration beside its baseline. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lorikeet::comparison {

inline constexpr std::int64_t kFewestSeeds = 3;  // a side, for a verdict

enum class Verdict {
  kBetter,      // a difference above zero
  kWorse,       // below zero
  kEquivalent,  // within the margin on both sides
  kNotWorse,    // above -margin
  kNotShown,    // none of these could be shown
  kWithheld,    // nothing may be said
};
// "better", "worse", "equivalent", "not worse", "not shown", "withheld".
std::string Name(Verdict verdict);

// What stands against a verdict, whatever the numbers: empty where nothing does.
struct Side {
  std::int64_t seeds = 0, planned = 0;
  std::int64_t diverged = 0;  // of those that are not in
  bool one_run = false;       // a reference: whatever the seeds, it runs once
};
std::string WhyWithheld(const Side& configuration, const Side& baseline, std::int64_t documents);

// Corrected by Holm, each over its own family.
struct Corrected {
  double p_value = 1, p_not_worse = 1, p_equivalent = 1;
};
struct Judged {
  Verdict verdict = Verdict::kNotShown;
  std::string reason;  // where it would have been better
};
// The first of better, worse, equivalent, not worse that holds at the level. A baseline that was still
// improving when its training ended yields no "better": it might have caught up.
Judged Judge(double difference, const Corrected& corrected, bool baseline_still_improving);

}  // namespace lorikeet::comparison
