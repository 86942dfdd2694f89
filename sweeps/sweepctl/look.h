// list, status, trials, workers, logs: what sweepctl shows. Each prints to standard output; with json, one
// JSON value.
#pragma once

#include <string>

#include "common/status.h"
#include "sweeps/sweepctl/client.h"

namespace lorikeet::sweepctl {

Status ShowSweeps(Client& client, bool json);
// A line each, for a shell's completion.
Status ShowSweepNames(Client& client);
// `name` is a sweep, or a trial.
Status ShowStatus(Client& client, const std::string& name, bool json);
Status ShowTrials(Client& client, const std::string& sweep, bool json);
Status ShowWorkers(Client& client, bool json);
// What the trial's attempts wrote and what happened to them; `follow` goes on until the trial ends.
Status ShowLogs(Client& client, const std::string& trial, bool follow, bool json);

}  // namespace lorikeet::sweepctl
