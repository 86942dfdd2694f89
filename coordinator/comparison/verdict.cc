#include "coordinator/comparison/verdict.h"

#include <fmt/format.h>

#include "coordinator/comparison/difference.h"

namespace lorikeet::comparison {
namespace {

std::string WhySide(const Side& side, const char* whose) {
  if (side.diverged > 0) {
    return fmt::format("{} of {}{} seeds diverged", side.diverged, side.planned, whose);
  }
  if (side.one_run) return fmt::format("{} runs once, without seeds", *whose == '\0' ? "it" : "the baseline");
  if (side.seeds < side.planned)
    return fmt::format("{} of {}{} seeds are in", side.seeds, side.planned, whose);
  if (side.seeds < kFewestSeeds) {
    return fmt::format("{} of{} seeds, where a verdict wants {}", side.seeds, *whose == '\0' ? " its" : whose,
                       kFewestSeeds);
  }
  return "";
}

}  // namespace

std::string Name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kBetter:
      return "better";
    case Verdict::kWorse:
      return "worse";
    case Verdict::kEquivalent:
      return "equivalent";
    case Verdict::kNotWorse:
      return "not worse";
    case Verdict::kNotShown:
      return "not shown";
    case Verdict::kWithheld:
      break;
  }
  return "withheld";
}

std::string WhyWithheld(const Side& configuration, const Side& baseline, std::int64_t documents) {
  std::string why = WhySide(configuration, "");
  if (why.empty()) why = WhySide(baseline, " the baseline's");
  if (why.empty() && documents < 2) why = fmt::format("{} documents, where a test wants two", documents);
  return why;
}

Judged Judge(double difference, const Corrected& corrected, bool baseline_still_improving) {
  Judged judged;
  if (corrected.p_value < kLevel && difference < 0) return {Verdict::kWorse, ""};
  if (corrected.p_value < kLevel && difference > 0) {
    if (!baseline_still_improving) return {Verdict::kBetter, ""};
    judged.reason = "the baseline was still improving when its training ended, so no 'better'";
  }
  if (corrected.p_equivalent < kLevel) {
    judged.verdict = Verdict::kEquivalent;
  } else if (corrected.p_not_worse < kLevel) {
    judged.verdict = Verdict::kNotWorse;
  }
  return judged;
}

}  // namespace lorikeet::comparison
