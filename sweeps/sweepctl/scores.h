// `sweepctl import --predictions`, `score` and `rescore`: scores that come from outside, into a sweep's table
// and comparisons.
//
// A file is held to the sweep before anything is sent, so that an error names its line; the coordinator looks
// again, and takes all of it in or nothing.
#pragma once

#include <string>

#include "common/status.h"
#include "sweeps/sweepctl/extract.h"
#include "sweeps/sweepctl/import.h"

namespace lorikeet::sweepctl {

struct ScoreOptions {
  std::string sweep, metric, input;  // score: the metric's name, and a file
  bool no_stemmer = false;           // rescore
  std::string sentence_split;        // rescore: auto or newline; empty: the sweep's own
  std::string programs;              // the folder of sweep-trainer
};

// The extractor has a coordinator.
Status ImportPredictions(const Extractor& extractor, const ImportOptions& options,
                         const std::string& programs, bool json);
Status Score(const Extractor& extractor, const ScoreOptions& options, bool json);
Status Rescore(const Extractor& extractor, const ScoreOptions& options, bool json);

// What rescored ROUGE is called: "rouge1.nostem", "rouge1.newline", "rouge1.nostem.newline".
std::string RescoredName(const std::string& metric, const ScoreOptions& options,
                         const std::string& own_split);

}  // namespace lorikeet::sweepctl
