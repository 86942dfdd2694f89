// ROUGE of summaries, by the program that scored the sweep: sweep-trainer, which lies beside sweepctl. There
// is one ROUGE in the project, and it is the worker's; its program is asked, not its code.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "common/status.h"
#include "sweeps/sweepctl/scored_runs.h"

namespace lorikeet::sweepctl {

struct RougeSettings {
  std::string program;  // sweep-trainer's path
  bool stemmer = true;
  std::string sentence_split = "auto";  // or newline
};
// F1 of ROUGE-1, 2, L and Lsum, 0 to 1.
using RougeF1s = std::array<double, 4>;

// Of each run's documents, in their order. NotFound where there is no such program; Internal with its words
// where it fails. Its files lie in a folder of their own below $TMPDIR, and are gone afterwards.
StatusOr<std::vector<std::vector<RougeF1s>>> ScoreRuns(const RougeSettings& settings, const Scoring& scoring,
                                                       const std::vector<FileRun>& runs);

}  // namespace lorikeet::sweepctl
