// What a terminal shows of a sweep that runs: totals, the grid of its trials, and each running one's progress
// with its loss so far.
//
// Not thread-safe.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "lorikeet/v1/client.pb.h"

namespace lorikeet::sweepctl {

// The losses that were seen of running trials, for a curve of a dozen characters.
class LossHistory {
 public:
  // Once a look: what runs is remembered, what does not is forgotten.
  void Note(const v1::ListTrialsResponse& trials);
  // "▇▅▃▂▁"; empty with fewer than two values.
  std::string Sparkline(const std::string& trial_id) const;

 private:
  struct Curve {
    std::int64_t step = -1;
    std::deque<double> losses;  // the last of them
  };
  std::map<std::string, Curve> curves_;  // by trial
};

// Eight heights between the least and the greatest; values that are not finite are left out.
std::string Sparkline(const std::vector<double>& values);

// A line a configuration and a character a seed, in the trials' order: what waits, how far what runs is, what
// succeeded, failed or was cancelled. At most `rows` lines, those first in which something runs; a sweep of
// one trial a configuration has none.
std::string TrialGrid(const v1::ListTrialsResponse& trials, int rows);

// All of it. `rows`: of running trials, and of the grid.
std::string LiveView(const v1::SweepStatus& sweep, const v1::ListTrialsResponse& trials,
                     const LossHistory& losses, int rows);

}  // namespace lorikeet::sweepctl
