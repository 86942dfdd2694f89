#include "sweeps/sweepctl/live_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {
namespace {

constexpr std::size_t kMostLosses = 16;
constexpr std::size_t kMostSeeds = 64;  // characters of a grid's line
constexpr std::array<const char*, 8> kHeights = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

std::int64_t Ended(const v1::SweepStatus& sweep) {
  return sweep.succeeded() + sweep.failed() + sweep.cancelled();
}

std::string ProgressText(const v1::TrialProgress& progress) {
  std::string text = progress.phase();
  if (progress.total() > 0) text += fmt::format(" {}/{}", progress.step(), progress.total());
  if (progress.has_loss()) text += fmt::format("  loss {:.3f}", progress.loss());
  if (progress.tokens_per_second() > 0)
    text += fmt::format("  {:.0f} tokens/s", progress.tokens_per_second());
  if (progress.eta_seconds() > 0) text += "  " + FormatDuration(progress.eta_seconds()) + " left";
  return text;
}

// One trial of the grid.
const char* Mark(const v1::TrialStatus& trial) {
  if (trial.state() == "succeeded") return "■";
  if (trial.state() == "failed") return "✗";
  if (trial.state() == "cancelled") return "-";
  if (trial.state() != "running") return "·";
  const v1::TrialProgress& progress = trial.progress();
  if (progress.total() <= 0) return kHeights[0];
  const double share = static_cast<double>(progress.step()) / static_cast<double>(progress.total());
  return kHeights.at(static_cast<std::size_t>(std::clamp(share * 7.0, 0.0, 7.0)));
}

}  // namespace

void LossHistory::Note(const v1::ListTrialsResponse& trials) {
  std::map<std::string, Curve> now;
  for (const v1::TrialStatus& trial : trials.trials()) {
    if (trial.state() != "running") continue;
    Curve curve = std::move(curves_[trial.id()]);
    const v1::TrialProgress& progress = trial.progress();
    if (progress.has_loss() && progress.step() < curve.step) curve.losses.clear();  // another attempt
    if (progress.has_loss() && progress.step() != curve.step) {
      curve.step = progress.step();
      curve.losses.push_back(progress.loss());
      if (curve.losses.size() > kMostLosses) curve.losses.pop_front();
    }
    now.emplace(trial.id(), std::move(curve));
  }
  curves_ = std::move(now);
}

std::string LossHistory::Sparkline(const std::string& trial_id) const {
  const auto found = curves_.find(trial_id);
  if (found == curves_.end() || found->second.losses.size() < 2) return "";
  return sweepctl::Sparkline({found->second.losses.begin(), found->second.losses.end()});
}

std::string Sparkline(const std::vector<double>& values) {
  std::vector<double> finite;
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite),
               [](double v) { return std::isfinite(v); });
  if (finite.empty()) return "";
  const auto [low, high] = std::minmax_element(finite.begin(), finite.end());
  std::string text;
  for (const double value : finite) {
    const double share = *high > *low ? (value - *low) / (*high - *low) : 0;
    text += kHeights.at(static_cast<std::size_t>(std::clamp(share * 7.99, 0.0, 7.0)));
  }
  return text;
}

std::string TrialGrid(const v1::ListTrialsResponse& trials, int rows) {
  struct Line {
    std::string name, marks, state;
    std::int64_t count = 0, succeeded = 0, running = 0;
  };
  std::vector<Line> lines;
  std::map<std::string, std::size_t> places;
  std::size_t most = 0;
  for (const v1::TrialStatus& trial : trials.trials()) {
    const auto [at, is_new] = places.try_emplace(trial.configuration(), lines.size());
    if (is_new) lines.push_back({.name = trial.configuration(), .marks = {}, .state = {}});
    Line& line = lines[at->second];
    if (static_cast<std::size_t>(line.count) < kMostSeeds) line.marks += Mark(trial);
    ++line.count;
    line.succeeded += trial.state() == "succeeded" ? 1 : 0;
    line.running += trial.state() == "running" ? 1 : 0;
    most = std::max(most, static_cast<std::size_t>(line.count));
  }
  if (most < 2) return "";
  std::vector<const Line*> shown;
  shown.reserve(lines.size());
  for (const Line& line : lines) shown.push_back(&line);
  const auto total = static_cast<int>(shown.size());
  if (total > rows) {
    // What runs is what one looks for; the rest as it stands in the table.
    std::stable_sort(shown.begin(), shown.end(),
                     [](const Line* a, const Line* b) { return (a->running > 0) > (b->running > 0); });
    shown.resize(static_cast<std::size_t>(rows));
  }
  std::vector<std::vector<std::string>> cells;
  cells.reserve(shown.size());
  for (const Line* line : shown) {
    cells.push_back(
        {"  " + Printable(line->name), line->marks, fmt::format("{}/{}", line->succeeded, line->count)});
  }
  std::string text = AlignColumns(cells);
  if (total > rows) text += fmt::format("  and {} more configurations\n", total - rows);
  return text;
}

std::string LiveView(const v1::SweepStatus& sweep, const v1::ListTrialsResponse& trials,
                     const LossHistory& losses, int rows) {
  std::string out = fmt::format("{}  {}  {}/{} trials", Printable(sweep.name()),
                                ProgressBar(Ended(sweep), sweep.trials(), 30), Ended(sweep), sweep.trials());
  if (sweep.failed() > 0) out += fmt::format(", {} failed", sweep.failed());
  out += "  " + FormatDuration(sweep.elapsed_seconds());
  if (sweep.has_eta_seconds()) out += ", about " + FormatDuration(sweep.eta_seconds()) + " left";
  out += "\n";
  for (const std::string& reason : sweep.waiting()) {
    // Slots that this sweep itself keeps busy are no reason to worry.
    const bool busy = reason.size() >= 4 && reason.compare(reason.size() - 4, 4, "busy") == 0;
    if (!busy || sweep.running() == 0) out += "  waiting: " + Printable(reason) + "\n";
  }
  out += TrialGrid(trials, rows);
  std::vector<std::vector<std::string>> cells;
  int hidden = 0;
  for (const v1::TrialStatus& trial : trials.trials()) {
    if (trial.state() != "running") continue;
    if (static_cast<int>(cells.size()) >= rows) {
      ++hidden;
      continue;
    }
    cells.push_back({"  " + Printable(trial.name()), Printable(trial.worker()), Printable(trial.device()),
                     losses.Sparkline(trial.id()),
                     trial.has_progress() ? ProgressText(trial.progress()) : "starting"});
  }
  if (std::all_of(cells.begin(), cells.end(), [](const auto& row) { return row[3].empty(); })) {
    for (auto& row : cells) row.erase(row.begin() + 3);
  }
  if (!cells.empty()) out += AlignColumns(cells);
  if (hidden > 0) out += fmt::format("  and {} more\n", hidden);
  return out;
}

}  // namespace lorikeet::sweepctl
