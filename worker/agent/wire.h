// The trainer's events as the coordinator reads them.
#pragma once

#include <optional>

#include "lorikeet/v1/worker.pb.h"
#include "worker/agent/devices.h"
#include "worker/protocol/events.h"

namespace lorikeet::agent {

// Without a sequence number. `reason` goes with Stopped, which becomes Returned. Nothing for Progress, which
// is no event of the spool.
std::optional<v1::Event> ToWire(const protocol::Event& event, const std::string& reason);
v1::Slot ToWire(const Slot& slot);

// Result, Returned or Failed: nothing comes after it.
bool IsFinal(const v1::Event& event);

}  // namespace lorikeet::agent
