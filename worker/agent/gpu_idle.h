// How much memory of each GPU is in use when nothing of this worker's is there, kept in its folder: after a
// restart what an earlier run has left there must not pass for idle.
//
//   DIR/gpus    JSON: {"boot": "…", "idle": {"cuda:0": bytes}}
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "worker/agent/folder.h"

namespace lorikeet::agent {

using IdleMemory = std::map<std::string, std::int64_t>;  // by device

// Empty where nothing is known of this boot of the host: another one may have another driver.
IdleMemory LoadIdleMemory(const Folder& folder, const std::string& boot);
// Where it cannot be written it is looked at anew after a restart.
void StoreIdleMemory(const Folder& folder, const std::string& boot, const IdleMemory& idle);

}  // namespace lorikeet::agent
