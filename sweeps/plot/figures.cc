#include "sweeps/plot/figures.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sweeps/plot/scale.h"
#include "sweeps/plot/text.h"

namespace lorikeet::plot {
namespace {

constexpr std::size_t kMostNotes = 3;  // of the sweep's own

}  // namespace

std::vector<std::string> SweepNotes(const report::SweepFacts& sweep, bool intervals) {
  std::vector<std::string> parts;
  if (sweep.seeds > 0) parts.push_back(fmt::format("{} seed{}", sweep.seeds, sweep.seeds == 1 ? "" : "s"));
  if (sweep.test_documents) parts.push_back(fmt::format("{} test documents", *sweep.test_documents));
  if (intervals) parts.emplace_back("95 % interval over seeds (Student's t)");
  std::vector<std::string> notes;
  if (!parts.empty()) notes.push_back(fmt::format("{}.", fmt::join(parts, "; ")));
  if (sweep.mixed) {
    notes.emplace_back(
        "Results come from several versions of the documents or the base model: they cannot be compared.");
  }
  if (sweep.succeeded < sweep.trials) {
    notes.push_back(fmt::format("{} of {} trials have results{}.", sweep.succeeded, sweep.trials,
                                sweep.failed > 0 ? fmt::format(", {} failed", sweep.failed) : ""));
  }
  for (std::size_t i = 0; i < std::min(sweep.notes.size(), kMostNotes); ++i)
    notes.push_back("Note: " + Clean(sweep.notes[i]) + ".");
  return notes;
}

Axis ScoreAxis(const std::string& metric, const std::vector<report::Score>& scores) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const report::Score& score : scores) {
    if (!score.mean) continue;
    low = std::min(low, *score.mean);
    high = std::max(high, *score.mean);
  }
  // Two seeds make intervals of twelve deviations: means of others would be one line.
  const double span = std::max(high - low, 0.5), least = low - 1.5 * span, most = high + 1.5 * span;
  for (const report::Score& score : scores) {
    if (score.low) low = std::min(low, std::max(*score.low, least));
    if (score.high) high = std::max(high, std::min(*score.high, most));
  }
  return LinearAxis(MetricLabel(metric) + " (%)", low, high);
}

Band BaselineBand(const std::string& name, const report::Score& score) {
  return {.label = Clean(name, 40) + " (baseline)",
          .mean = score.mean.value_or(0),
          .low = score.low,
          .high = score.high};
}

Status NothingYet(const report::SweepFacts& sweep, const std::string& missing) {
  std::string state;
  if (sweep.succeeded == 0 && sweep.failed > 0 && sweep.failed == sweep.trials) {
    state = "; all of its trials failed";
  } else if (sweep.state == "running" || sweep.state == "paused") {
    state =
        fmt::format("; it is {}, {} of {} trials have succeeded", sweep.state, sweep.succeeded, sweep.trials);
  }
  return FailedPrecondition("nothing to plot of sweep {}: {}{}", Clean(sweep.name), missing, state);
}

}  // namespace lorikeet::plot
