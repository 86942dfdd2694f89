// Follows a sweep to its end: a live view on a terminal, plain lines elsewhere. Polls, so that it outlives
// restarts of the coordinator.
#pragma once

#include <functional>
#include <string>

#include "common/status.h"
#include "lorikeet/v1/client.pb.h"
#include "sweeps/sweepctl/client.h"

namespace lorikeet::sweepctl {

struct FollowOptions {
  std::string sweep;
  // Called between polls; an error ends the following (a child process of `run` has died, the user pressed
  // Ctrl-C).
  std::function<Status()> check;
};

// Returns the sweep's last status. Writes to standard error only. A coordinator that goes away later is
// waited for; Unavailable where it never answered.
StatusOr<v1::SweepStatus> FollowSweep(Client& client, const FollowOptions& options);

// Done, or what part of the work failed, as `run` and `submit --follow` end. `why`: the command that tells.
Status OutcomeOf(const v1::SweepStatus& sweep, const std::string& why);

}  // namespace lorikeet::sweepctl
