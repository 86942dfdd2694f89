// sweepctl fetch: the adapter that a trial kept, as a PEFT folder on this machine. And sweepctl prune.
#pragma once

#include <string>

#include "common/status.h"
#include "sweeps/sweepctl/client.h"

namespace lorikeet::sweepctl {

struct FetchOptions {
  std::string trial;   // an id or a name
  std::string out;     // empty: the trial's name, in the current folder
  bool force = false;  // replaces an adapter that is there
  bool json = false;
};

// Verifies every file; the folder appears whole or not at all. FailedPrecondition where the folder is there
// already, or the trial has no adapter, saying why.
Status Fetch(Client& client, const FetchOptions& options);

// Of one sweep, or of all: prints what went, or would.
Status Prune(Client& client, const std::string& sweep, bool dry_run, bool json);

}  // namespace lorikeet::sweepctl
