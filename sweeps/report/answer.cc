#include "sweeps/report/answer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "sweeps/report/chosen.h"
#include "sweeps/report/format.h"

namespace lorikeet::report {
namespace {

struct Arm {
  const char* name;   // as in the table
  const char* label;  // as in a sentence
};
constexpr Arm kArms[] = {{"lora", "LoRA"}, {"prompt", "prompt"}};

const Row* Baseline(const Table& table) {
  const auto found =
      std::find_if(table.rows.begin(), table.rows.end(), [](const Row& row) { return row.baseline; });
  return found == table.rows.end() ? nullptr : &*found;
}

bool Unfinished(const Row& row) { return row.seeds < row.planned; }

// Whether results of the sweep may still come in.
bool Runs(const Table& table) { return table.state != "finished" && table.state != "cancelled"; }

std::string SeedsOf(const Row& row) {
  return Unfinished(row) ? fmt::format(" ({} of {} seeds)", row.seeds, row.planned) : "";
}

std::string And(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, " and "));
}

std::string BaselineName(const Row& baseline) {
  return baseline.arm == "full" ? "full fine-tuning" : "the baseline " + Printable(baseline.configuration);
}

// The verdict as part of a sentence, with the figure that it stands on.
std::string VerdictText(const Table& table, const Comparison& comparison) {
  if (comparison.verdict == "withheld") return fmt::format("verdict withheld: {}", comparison.reason);
  if (comparison.verdict == "equivalent") return fmt::format("equivalent within ±{:.2f}", table.margin);
  if (comparison.verdict == "not worse") return fmt::format("not worse than −{:.2f}", table.margin);
  if (comparison.verdict == "not shown") {
    return comparison.detectable
               ? fmt::format("no difference shown, where one of {:.2f} would be found in 80 % of such sweeps",
                             *comparison.detectable)
               : "no difference shown";
  }
  if (!comparison.p_corrected) return comparison.verdict;
  const std::string p = PText(*comparison.p_corrected);
  return fmt::format("{} (p {}{})", comparison.verdict, p.starts_with("<") ? "" : "= ", p);
}

// "lora rank=8 scores +0.42 [−0.20, 1.04] on test, not worse than −0.50, training 0.6 % of the parameters".
std::string Clause(const Table& table, const Row& row, bool first) {
  std::string text = Printable(row.configuration) + SeedsOf(row);
  if (row.comparison.difference) {
    text += fmt::format("{} {}", first ? " scores" : "", Signed(*row.comparison.difference));
    if (row.comparison.low) text += " " + IntervalText(row.comparison);
    if (first) text += " on test";
  }
  if (!row.comparison.verdict.empty()) text += ", " + Printable(VerdictText(table, row.comparison));
  if (row.trainable_share)
    text += fmt::format(", training {} of the parameters", Percent(*row.trainable_share));
  return text;
}

// Why the arm has no best row.
std::string WhyNone(const Table& table, const Arm& arm) {
  std::int64_t rows = 0, planned = 0, failed = 0;
  for (const Row& row : table.rows) {
    if (row.arm != arm.name || row.baseline) continue;
    ++rows;
    planned += row.planned;
    failed += row.failed;
  }
  if (rows == 0) return fmt::format("the sweep has no {} row to compare", arm.label);
  if (failed == planned) return fmt::format("every {} trial failed", arm.label);
  return fmt::format("no {} row has a result yet", arm.label);
}

// What can be said without a baseline to compare with.
std::string WithoutBaseline(const Table& table, const Row* baseline, const std::vector<const Row*>& best) {
  std::string text;
  if (baseline == nullptr) {
    text = "The sweep has no baseline, so nothing can be compared";
  } else if (baseline->failed >= baseline->planned) {
    text = fmt::format("All trials of the baseline {} failed, so nothing can be compared",
                       Printable(baseline->configuration));
  } else {
    text = fmt::format("The baseline {} has no result yet, so nothing can be compared",
                       Printable(baseline->configuration));
  }
  std::vector<std::string> rows;
  rows.reserve(best.size());
  for (const Row* row : best) {
    rows.push_back(fmt::format("{}{} with a test {} of {}", Printable(row->configuration), SeedsOf(*row),
                               MetricLabel(table.primary), MeanSdText(ScoreOf(*row, table.primary))));
  }
  if (!rows.empty()) text += "; so far the best on validation: " + And(rows);
  return text;
}

}  // namespace

std::string Answer(const Table& table) {
  if (table.rows.empty()) return "";
  if (std::none_of(table.rows.begin(), table.rows.end(),
                   [](const Row& row) { return row.seeds > 0 && row.source.empty(); })) {
    return fmt::format("No trial has a result{}.",
                       table.failed >= table.trials ? ": all of them failed" : " yet");
  }
  if (table.mixed)
    return "The results are of different documents or base models, so nothing can be compared.";
  const Row* baseline = Baseline(table);
  std::vector<const Row*> best;
  std::vector<std::string> missing;
  bool open = baseline != nullptr && Unfinished(*baseline);
  for (const Arm& arm : kArms) {
    // Another row of the arm that is still running may overtake the one that leads.
    for (const Row& row : table.rows) open = open || (row.arm == arm.name && Unfinished(row));
    const Row* row = BestOnValidation(table, arm.name);
    if (row == nullptr) {
      missing.push_back(WhyNone(table, arm));
    } else {
      best.push_back(row);
    }
  }
  std::string text;
  if (baseline == nullptr || baseline->seeds == 0) {
    text = WithoutBaseline(table, baseline, best);
  } else if (best.empty()) {
    text = fmt::format("There is nothing to compare {} with", BaselineName(*baseline));
  } else {
    text = fmt::format(
        "{} against {} ({} {}{}): ",
        open && Runs(table) ? "So far, chosen on validation," : "Chosen on validation,",
        BaselineName(*baseline), MeanSdText(ScoreOf(*baseline, table.primary)), MetricLabel(table.primary),
        Unfinished(*baseline) ? fmt::format(", {} of {} seeds", baseline->seeds, baseline->planned) : "");
    std::vector<std::string> clauses;
    clauses.reserve(best.size());
    for (const Row* row : best) clauses.push_back(Clause(table, *row, clauses.empty()));
    text += fmt::format("{}", fmt::join(clauses, "; "));
  }
  for (const std::string& reason : missing) text += "; " + reason;
  return text + ".";
}

}  // namespace lorikeet::report
