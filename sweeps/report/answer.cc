#include "sweeps/report/answer.h"

#include <algorithm>
#include <vector>

#include "sweeps/report/cells.h"

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
std::string WithoutBaseline(const Row* baseline, const std::vector<const Row*>& best) {
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
    rows.push_back(fmt::format("{}{} with a test ROUGE-1 of {}", Printable(row->configuration), SeedsOf(*row),
                               MeanSdText(row->rouge1)));
  }
  if (!rows.empty()) text += "; so far the best on validation: " + And(rows);
  return text;
}

}  // namespace

const Row* BestOnValidation(const Table& table, const std::string& arm) {
  const Row* best = nullptr;
  for (const Row& row : table.rows) {
    if (row.arm != arm || row.baseline || !row.validation_rouge1) continue;
    if (best == nullptr || *row.validation_rouge1 > *best->validation_rouge1) best = &row;
  }
  return best;
}

std::string Answer(const Table& table, bool compared) {
  if (table.rows.empty()) return "";
  if (std::none_of(table.rows.begin(), table.rows.end(), [](const Row& row) { return row.seeds > 0; })) {
    return fmt::format("No trial has a result{}.",
                       table.failed >= table.trials ? ": all of them failed" : " yet");
  }
  if (table.mixed)
    return "The results are of different documents or base models, so nothing can be compared.";
  const Row* baseline = Baseline(table);
  std::vector<const Row*> best;
  std::vector<std::string> chosen, differences, shares, missing;
  bool open = baseline != nullptr && Unfinished(*baseline);
  for (const Arm& arm : kArms) {
    // Another row of the arm that is still running may overtake the one that leads.
    for (const Row& row : table.rows) open = open || (row.arm == arm.name && Unfinished(row));
    const Row* row = BestOnValidation(table, arm.name);
    if (row == nullptr) {
      missing.push_back(WhyNone(table, arm));
      continue;
    }
    best.push_back(row);
    chosen.push_back(
        fmt::format("the best {} row is {}{}", arm.label, Printable(row->configuration), SeedsOf(*row)));
    if (row->difference_rouge1) differences.push_back(Signed(*row->difference_rouge1));
    if (row->trainable_share) shares.push_back(Percent(*row->trainable_share));
  }
  std::string text;
  if (baseline == nullptr || baseline->seeds == 0) {
    text = WithoutBaseline(baseline, best);
  } else if (best.empty()) {
    text = fmt::format("There is nothing to compare {} with", BaselineName(*baseline));
  } else {
    text = fmt::format(
        "{} {}; on test {} {} ROUGE-1 against {} ({}{}), training {} of the parameters",
        open && Runs(table) ? "So far, on validation" : "On validation", And(chosen),
        best.size() > 1 ? "they score" : "it scores", And(differences), BaselineName(*baseline),
        MeanSdText(baseline->rouge1),
        Unfinished(*baseline) ? fmt::format(", {} of {} seeds", baseline->seeds, baseline->planned) : "",
        And(shares));
  }
  for (const std::string& reason : missing) text += "; " + reason;
  if (!compared && !differences.empty()) text += "; no test of significance has been made";
  return text + ".";
}

}  // namespace lorikeet::report
