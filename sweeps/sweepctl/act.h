// sweepctl's commands that act: each may be typed twice, and says when nothing was left to do.
//
// Each prints what has become of it on standard output.
#pragma once

#include <cstdint>
#include <string>

#include "common/status.h"
#include "sweeps/sweepctl/client.h"

namespace lorikeet::sweepctl {

// One of `sweep` and `trial` is empty.
Status Cancel(Client& client, const std::string& sweep, const std::string& trial, bool json);
Status Pause(Client& client, const std::string& sweep, bool json);
Status Resume(Client& client, const std::string& sweep, bool json);
// `name`: a sweep's or a trial's.
Status Retry(Client& client, const std::string& name, bool json);
Status SetPriority(Client& client, const std::string& sweep, std::int64_t priority, bool json);
Status Drain(Client& client, const std::string& worker, bool undo, bool json);
Status Readmit(Client& client, const std::string& worker, bool json);

}  // namespace lorikeet::sweepctl
