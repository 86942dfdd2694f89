// `sweepctl import`: a row of somebody else's into a sweep's table: a paper's figures, or summaries of runs
// that were made elsewhere (scores.h).
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "common/status.h"
#include "sweeps/sweepctl/client.h"

namespace lorikeet::sweepctl {

struct ImportOptions {
  std::string sweep, row, source;
  std::string remove_row;   // --remove NAME; --row NAME --remove says the same
  bool remove = false;      // --remove stands there
  std::string predictions;  // a file
  std::optional<std::int64_t> seeds, trainable_parameters;
  // Percent; means and deviations of rouge1, rouge2, rougeL and rougeLsum.
  std::optional<double> mean[4], sd[4], trainable_percent;
};

// The flags of `command`, into `options`, which outlives it.
void AddImportOptions(CLI::App& command, ImportOptions& options);
Status Import(Client& client, const ImportOptions& options, bool json);

}  // namespace lorikeet::sweepctl
