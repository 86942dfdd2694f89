// `sweepctl run FILE`: the whole sweep on this machine. Starts the same coordinator and worker programs as a
// cluster does, private to this run, follows the sweep, prints the table, ends them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/status.h"

namespace lorikeet::sweepctl {

struct RunOptions {
  std::string file;
  std::string data = "lorikeet-data";
  std::optional<std::int64_t> workers;  // default: one for all GPUs, or two on CPUs (one on a single core)
  std::string format = "text";
  std::string programs;  // the folder with sweep-coordinator and sweep-worker: sweepctl's own
};

// Standard output gets the table alone. Aborted where trials failed or the run was interrupted;
// InvalidArgument where the file is wrong or asks for more than this machine's workers have (nothing is
// stored then).
Status RunSweep(const RunOptions& options);

}  // namespace lorikeet::sweepctl
