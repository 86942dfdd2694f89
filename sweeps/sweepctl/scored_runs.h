// Runs of a file of JSON lines, held to the sweep that they are for: each document of its test split once in
// every run.
//
// Not thread-safe. Errors name the file, the line and the document: FILE:LINE: what.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/status.h"
#include "sweeps/sweepctl/extract.h"

namespace lorikeet::sweepctl {

struct SweepTrial {
  std::string id, name, configuration, state;
  std::int64_t seed = 0;
};

// What a coordinator says of a sweep to whoever scores it.
struct Scoring {
  std::string sweep, sweep_id;
  std::string sentence_split;  // as the sweep scores
  std::vector<SweepTrial> trials;
  std::map<std::string, std::vector<std::int64_t>> imported;    // seeds, by the row's name
  std::vector<std::pair<std::string, std::string>> references;  // id and text, as the data has them
};
StatusOr<Scoring> ReadScoring(const Extractor& extractor, const std::string& sweep);

struct RunDocument {
  std::string text;
  double score = 0;
};
struct FileRun {
  std::string configuration;
  std::int64_t seed = 0;
  std::vector<RunDocument> documents;  // in the references' order
};

// What the lines of a file hold beside a run and a document's id.
enum class LineKind {
  kSummaries,  // {"configuration", "seed", "id", "text"}: of rows that the sweep has not
  kScores,     // {"configuration", "seed" or "trial", "id", "score"}: of runs that the sweep has
};
// In the order in which runs first appear. `path` may be /dev/stdin.
StatusOr<std::vector<FileRun>> ReadRuns(const std::string& path, LineKind kind, const Scoring& scoring);

// The runs of the lines that `sweepctl predictions` writes: all summaries that the sweep has.
StatusOr<std::vector<FileRun>> RunsOfPredictions(const std::string& lines, const Scoring& scoring);

}  // namespace lorikeet::sweepctl
