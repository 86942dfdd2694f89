// The sweep file: parsed, validated and expanded into configurations and trials.
//
// Plain values, no globals; thread-safe. docs/sweep-file.md is the reference of every key.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/labels.h"
#include "common/status.h"
#include "sweeps/trial/keep.h"
#include "sweeps/trial/retry.h"
#include "sweeps/trial/trial.h"
#include "sweeps/trial/tune.h"
#include "sweeps/trial/verdict.h"

namespace lorikeet::spec {

// One coordinate of a configuration: {"rank", "8"}. Values are printed as the file writes numbers ("0.001").
struct AxisValue {
  std::string axis;
  std::string value;
  friend bool operator==(const AxisValue&, const AxisValue&) = default;
};

// One point of an arm's grid, without the seed. With `tune`, a row is a point of the axes that are not tuned,
// and its candidates, configurations as well, are the points of the others.
struct Configuration {
  std::string name;  // unique in the sweep: "full", "lora rank=8", "lora rank=8 learning_rate=0.001", "lead
                     // sentences=3"
  std::string arm;   // full, lora, prompt, zero_shot, lead
  std::vector<AxisValue> axes;  // the arm's axes only (lists in the file), in file order
  std::vector<AxisValue>
      settings;  // what distinguishes it for readers: rank, alpha, targets, tokens, learning_rate, …
  bool baseline = false;
  Trial trial;             // with seed 0; of a row with candidates the first one's, until one is chosen
  std::int64_t tries = 1;  // of a row: how many settings one is chosen from
  std::optional<std::size_t> candidate_of;  // the place of the row that may become it
};

inline constexpr std::int64_t kMostPriority = 100;  // and its negative

struct Sweep {
  std::string name;
  std::string text;         // the file as it was
  std::string fingerprint;  // of what the file means: equal for files that differ in comments or layout alone
  // Rows: the baseline's arm first, then file order, references last. Then the candidates, row by row.
  std::vector<Configuration> configurations;
  std::vector<std::int64_t> seeds;
  std::string baseline;  // a configuration's name
  RetryPolicy retry;
  ResourceSettings resources;
  VerdictSettings verdict;  // what is asked of the comparisons
  TuneSettings tune;
  // What changes no result, and is no part of the fingerprint.
  Keep keep;                                // what of it is kept after its end, and how long
  std::int64_t priority = 0;                // higher is served first
  std::optional<std::int64_t> max_running;  // trials at once; none: as many as there are slots
  Labels labels;                            // what its workers must have
  std::vector<std::string> notes;  // differences in `train` keys between arms, to print with the table
};

struct PlannedTrial {
  std::string name;               // "lora rank=8 seed=1"; for references the configuration's name
  std::size_t configuration = 0;  // its place in the sweep's
  std::int64_t seed = 0;          // 0 for references, which run once
};

// Looks a variable up for ${NAME} and ${NAME:-default} in paths; nothing where it is unset.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
// This process's own environment.
Environment ProcessEnvironment();

struct ParseOptions {
  std::string file;                      // how messages call it, and what relative paths resolve against
  Environment environment;               // empty: no variable is set
  bool check_files = false;              // also refuse a model or data file that this machine does not have
  std::int64_t most_trials = 1'000'000;  // checked before anything is expanded
};

// Every mistake in one InvalidArgument, a line each: "file:line:column: what, and what would be right".
StatusOr<Sweep> ParseSweep(const std::string& yaml, const ParseOptions& options);
// Reads the file and parses it; `file` as given on the command line.
StatusOr<Sweep> LoadSweep(const std::string& file, bool check_files);

// How many trials the sweep makes: seeds × rows, references once; and tuning seeds × candidates.
std::int64_t TrialCount(const Sweep& sweep);
// In the order that lets a comparison be read early: seed by seed, the baseline first, references and then
// candidates at the front.
std::vector<PlannedTrial> ExpandTrials(const Sweep& sweep);
// What it runs: its configuration's trial with its seed.
Trial TrialOf(const Sweep& sweep, const PlannedTrial& planned);

}  // namespace lorikeet::spec
