// `sweepctl preflight`: what a sweep file comes to, before hours are spent on it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/status.h"
#include "sweeps/sweepctl/client.h"

namespace lorikeet::sweepctl {

struct PreflightOptions {
  std::string file;
  std::string programs;      // folder of the programs
  std::string device;        // cpu or cuda:N; empty: the first GPU where there is one
  std::int64_t threads = 0;  // of the trainer; 0: the file's, else every core
  std::int64_t slots = 1;    // trials at a time, for the forecast
  bool json = false;
  bool asks = true;      // a coordinator for trials of the past
  ClientOptions client;  // of that coordinator, where one answers
};

// Counts tokens, looks for duplicates, tries each arm's largest configuration on this machine, and prints
// what it found. InvalidArgument (and what else the user can mend) where the file is wrong; Internal, after
// printing, where something of the sweep will fail; Aborted after Ctrl-C. Leaves nothing behind.
Status Preflight(const PreflightOptions& options);

}  // namespace lorikeet::sweepctl
