#include "sweeps/report/cells.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace lorikeet::report {
namespace {

template <typename T, typename Format>
std::string Or(const std::optional<T>& value, const Format& format) {
  return value ? format(*value) : kAbsent;
}

// "Why: row, row and 12 more."
std::string Sentence(const std::string& what, const std::vector<std::string>& rows) {
  constexpr std::size_t kMost = 6;
  const std::size_t shown = rows.size() > kMost + 1 ? kMost : rows.size();
  std::string text = what + ": " + fmt::format("{}", fmt::join(rows.begin(), rows.begin() + shown, ", "));
  if (shown < rows.size()) text += fmt::format(" and {} more", rows.size() - shown);
  return text + ".";
}

// Of the columns, those that are not the trainer's ROUGE.
std::vector<std::string> ChosenOthers(const Table& table) {
  std::vector<std::string> others;
  for (const std::string& metric : table.metrics) {
    if (std::find(table.more_metrics.begin(), table.more_metrics.end(), metric) != table.more_metrics.end()) {
      others.push_back(metric);
    }
  }
  return others;
}

// After the point: a score from 0 to 1 takes more than one in percent.
int DigitsOf(const Table& table, const std::string& metric) {
  double largest = 0;
  bool other = false;
  for (const Row& row : table.rows) {
    const auto score = row.scores.find(metric);
    if (score == row.scores.end()) continue;
    other = true;
    largest = std::max(largest, std::abs(score->second.value.mean.value_or(0)));
  }
  return other && largest < 2 ? 4 : 2;
}

std::string NameCell(const Row& row) {
  return Printable(row.configuration) + (row.still_improving ? "†" : "") + (row.source.empty() ? "" : "‡") +
         (row.baseline ? " (baseline)" : "");
}

// "4", "4 (edge)".
std::string TriesText(const Row& row) {
  return fmt::format("{}{}", row.tries, row.edge.empty() ? "" : " (edge)");
}

// What rows' settings were chosen from.
std::vector<std::string> TuneLines(const Table& table) {
  std::vector<std::string> lines, edges, chosen;
  for (const Row& row : table.rows) {
    if (row.tries > 1 && lines.empty()) {
      lines.emplace_back(
          "Tries: how many settings a row's own were chosen from, on validation and with other seeds; their "
          "trials count in its device-hours and nowhere else.");
    }
    if (!row.chosen.empty()) chosen.push_back(Printable(row.chosen));
    if (!row.edge.empty())
      edges.push_back(fmt::format("{} {}", Printable(row.configuration), Printable(row.edge)));
  }
  if (!chosen.empty()) lines.push_back(Sentence("Chosen", chosen));
  if (!edges.empty())
    lines.push_back(Sentence(
        "Edge: the chosen value is the last that was tried on its side, and a better one may lie beyond",
        edges));
  return lines;
}

// On what the costs were measured.
std::vector<std::string> DeviceLines(const Table& table) {
  std::vector<std::string> lines;
  std::set<std::string> models;
  std::vector<std::string> mixed;
  for (const Row& row : table.rows) {
    if (row.seeds == 0 || !row.source.empty()) continue;
    if (row.device_model) {
      models.insert(Printable(*row.device_model));
    } else {
      mixed.push_back(Printable(row.configuration));
    }
  }
  if (models.size() == 1) {
    lines.push_back(fmt::format("Times and speeds were measured on {}.", *models.begin()));
  } else if (models.size() > 1) {
    lines.push_back(
        fmt::format("Times and speeds come from several device models ({}): rows differ for that reason too.",
                    fmt::join(models, "; ")));
  }
  if (!mixed.empty()) {
    lines.push_back(
        fmt::format("No times for {}: the seeds ran on several device models.", fmt::join(mixed, ", ")));
  }
  return lines;
}

std::string Speed(const std::optional<double>& value) {
  return value.value_or(0) > 0 ? Grouped(std::llround(*value)) : std::string(kAbsent);
}

std::string Latency(const std::optional<double>& value) {
  if (value.value_or(0) <= 0) return kAbsent;
  if (*value >= 0.9995) return fmt::format("{:.1f} s", *value);
  return fmt::format("{:.{}f} ms", 1000 * *value, *value < 0.0995 ? 1 : 0);
}

Cells QualityCells(const Table& table) {
  Cells cells;
  cells.texts = 2;
  const bool intervals = std::any_of(table.rows.begin(), table.rows.end(),
                                     [](const Row& row) { return row.comparison.low.has_value(); });
  const bool tuned =
      std::any_of(table.rows.begin(), table.rows.end(), [](const Row& row) { return row.tries > 1; });
  cells.heading = {"configuration", "seeds"};
  if (tuned) cells.heading.emplace_back("tries");
  for (const std::string& metric : table.metrics) cells.heading.push_back(MetricLabel(metric));
  cells.difference = cells.heading.size();
  cells.heading.push_back("Δ " + MetricLabel(table.primary));
  if (intervals) cells.heading.insert(cells.heading.end(), {"95 % interval", "p", "detectable"});
  cells.heading.emplace_back("verdict");
  const std::vector<std::string> others = ChosenOthers(table);
  for (const std::string& metric : others) {
    cells.heading.insert(cells.heading.end(), {"Δ " + MetricLabel(metric), "95 % interval", "p"});
  }
  std::map<std::string, int> digits;  // by column
  for (const std::string& metric : table.metrics) digits[metric] = DigitsOf(table, metric);
  for (const Row& row : table.rows) {
    const Comparison& comparison = row.comparison;
    std::vector<std::string> cell = {
        NameCell(row), row.source.empty() || row.seeds > 0 ? SeedsText(row) : std::string(kAbsent)};
    if (tuned) cell.push_back(row.reference || !row.source.empty() ? std::string(kAbsent) : TriesText(row));
    for (const std::string& metric : table.metrics)
      cell.push_back(MeanSdText(ScoreOf(row, metric), digits.at(metric)));
    cell.push_back(Or(comparison.difference, [](double value) { return Signed(value); }));
    if (intervals) {
      cell.push_back(comparison.low ? IntervalText(comparison) : kAbsent);
      cell.push_back(comparison.p_corrected ? PText(*comparison.p_corrected) : kAbsent);
      cell.push_back(Or(comparison.detectable, [](double value) { return fmt::format("{:.2f}", value); }));
    }
    cell.push_back(row.reference || comparison.verdict.empty() ? kAbsent : comparison.verdict);
    for (const std::string& metric : others) {
      if (row.baseline) {
        cell.insert(cell.end(), 3, kAbsent);
        continue;
      }
      const OtherScore& score = OtherScoreOf(row, metric);
      const int shown = digits.at(metric);
      cell.push_back(Or(score.difference, [&](double value) { return Signed(value, shown); }));
      cell.push_back(score.low && score.high ? IntervalText(*score.low, *score.high, shown) : kAbsent);
      cell.push_back(score.p_corrected ? PText(*score.p_corrected) : kAbsent);
    }
    cells.rows.push_back(std::move(cell));
    cells.of.push_back(&row);
  }
  return cells;
}

Cells CostCells(const Table& table) {
  Cells cells;
  cells.heading = {"configuration", "trainable",     "share",          "adapter",
                   "train time",    "trained tok/s", "device-hours",   "memory",
                   "latency p50",   "latency p95",   "generated tok/s"};
  for (const Row& row : table.rows) {
    // A reference trains nothing: its 0 would read as a training of no time.
    const bool trains = !row.reference && row.train_seconds;
    cells.rows.push_back(
        {NameCell(row), Or(row.trainable_parameters, Grouped), Or(row.trainable_share, Percent),
         row.adapter_bytes.value_or(0) > 0 ? Bytes(*row.adapter_bytes) : kAbsent,
         trains ? Duration(*row.train_seconds) : kAbsent, trains ? Speed(row.tokens_per_second) : kAbsent,
         Or(row.device_hours,
            [](double value) {
              return fmt::format("{:.{}f}", value, value < 0.0995 ? 3 : value < 9.995 ? 2 : 0);
            }),
         row.peak_memory_bytes.value_or(0) > 0 ? Bytes(*row.peak_memory_bytes) : kAbsent,
         Latency(row.latency_p50_seconds), Latency(row.latency_p95_seconds),
         Speed(row.generated_tokens_per_second)});
    cells.of.push_back(&row);
  }
  return cells;
}

// Lengths differ, and with them times: tokens a second are what to compare then.
Cells BenchmarkCells(const Table& table) {
  Cells cells;
  cells.texts = 2;
  cells.heading = {"configuration", "adapter",      "one summary p50", "p95",
                   "tokens each",   "extra tokens", "batch",           "its tok/s"};
  for (const Benchmark& row : table.benchmarks.rows) {
    const auto of = std::find_if(table.rows.begin(), table.rows.end(),
                                 [&](const Row& one) { return one.configuration == row.configuration; });
    cells.rows.push_back({row.configuration.empty() ? "base model" : Printable(row.configuration),
                          row.variant == "base" ? kAbsent : row.variant, Latency(row.latency_p50_seconds),
                          Latency(row.latency_p95_seconds), fmt::format("{:.0f}", row.tokens_per_summary),
                          row.extra_tokens > 0 ? Grouped(row.extra_tokens) : kAbsent, Grouped(row.batch),
                          Speed(row.tokens_per_second)});
    cells.of.push_back(of == table.rows.end() ? nullptr : &*of);
  }
  return cells;
}

// What it was measured on.
std::string BenchmarkLine(const Benchmarks& measured) {
  return fmt::format(
      "One summary, one at a time, and a batch: measured on {} ({}{}) with no trial beside, {}, beams {}, {} "
      "documents, "
      "{}. A full fine-tuning's model is as fast as the base model at summaries as long.",
      Printable(measured.device_model), Printable(measured.hostname),
      measured.device == "cpu"
          ? fmt::format(", {} thread{}", measured.threads, measured.threads == 1 ? "" : "s")
          : "",
      Printable(measured.precision), measured.beams, measured.documents,
      measured.rows.back().measured_at.substr(0, 10));
}

}  // namespace

std::vector<Cells> Blocks(const Table& table) {
  std::vector<Cells> blocks = {QualityCells(table), CostCells(table)};
  if (!table.benchmarks.rows.empty()) blocks.push_back(BenchmarkCells(table));
  return blocks;
}

std::vector<std::string> Legend(const Table& table) {
  std::vector<std::string> lines = {fmt::format(
      "ROUGE F1 in percent on the test split, mean ± standard deviation over seeds; Δ is the "
      "difference to {} in {}.",
      table.baseline.empty() ? "the baseline" : Printable(table.baseline), MetricLabel(table.primary))};
  if (std::any_of(table.rows.begin(), table.rows.end(),
                  [](const Row& row) { return row.comparison.low.has_value(); })) {
    lines.push_back(fmt::format(
        "Documents are paired, seeds independent. Intervals are not corrected for the number of rows; p is "
        "that of no difference, corrected (Holm) over {} trained row{}{}. Margin: {:.2f}.",
        table.family, table.family == 1 ? "" : "s",
        table.imported > 0 ? fmt::format(", in imported rows over {} more", table.imported) : "",
        table.margin));
    lines.emplace_back("Detectable: the true difference that 80 of 100 such sweeps would find.");
  }
  std::map<std::string, std::vector<std::string>> reasons;
  for (const Row& row : table.rows) {
    if (row.reference || row.comparison.reason.empty()) continue;
    const bool withheld = row.comparison.verdict == "withheld";
    reasons[(withheld ? "Verdict withheld, since " : "") + Printable(row.comparison.reason)].push_back(
        Printable(row.configuration));
  }
  for (const auto& [reason, rows] : reasons) {
    std::string line = Sentence(reason, rows);
    if (line.front() >= 'a' && line.front() <= 'z')
      line.front() = static_cast<char>(line.front() - 'a' + 'A');
    lines.push_back(std::move(line));
  }
  if (std::any_of(table.rows.begin(), table.rows.end(), [](const Row& row) { return row.still_improving; })) {
    lines.emplace_back(
        "† still improving: at half of its seeds or more, the best checkpoint is the last one.");
  }
  for (std::string& line : TuneLines(table)) lines.push_back(std::move(line));
  for (const Row& row : table.rows) {
    if (row.source.empty()) continue;
    lines.push_back(fmt::format("‡ {} is not of this sweep, and {}: {}.", Printable(row.configuration),
                                row.arm == "imported"
                                    ? "its summaries are scored and tested as this sweep's are"
                                    : "not tested against",
                                Printable(row.source)));
  }
  if (const std::vector<std::string> others = ChosenOthers(table); !others.empty()) {
    lines.push_back(
        fmt::format("{}: scores that came from outside, on the test split, in their own unit; no verdict is "
                    "given by them.",
                    fmt::join(others, ", ")));
    std::vector<std::string> partly;
    for (const std::string& metric : others) {
      for (const Row& row : table.rows) {
        const auto score = row.scores.find(metric);
        if (score == row.scores.end() || score->second.seeds == row.seeds) continue;
        partly.push_back(fmt::format("{} ({} of {} seeds of {})", Printable(row.configuration),
                                     score->second.seeds, row.seeds, metric));
      }
    }
    if (!partly.empty()) lines.push_back(Sentence("Scored in part, and not compared", partly));
  }
  if (table.extended) lines.emplace_back("Extended: rows or seeds were added after the sweep was submitted.");
  for (std::string& line : DeviceLines(table)) lines.push_back(std::move(line));
  if (!table.benchmarks.rows.empty()) lines.push_back(BenchmarkLine(table.benchmarks));
  return lines;
}

std::string Title(const Table& table) {
  std::string text = fmt::format("{}: {}, {} of {} trials succeeded", Printable(table.sweep), table.state,
                                 table.succeeded, table.trials);
  if (table.failed > 0) text += fmt::format(", {} failed", table.failed);
  return text;
}

}  // namespace lorikeet::report
