// The adapters that the coordinator does not have yet, on disk: so that a worker that is started again sends
// them.
//
//   DIR/adapters/ATTEMPT    which trial, and its token, as JSON; the adapter itself is in the trial's folder
#pragma once

#include <string>
#include <vector>

#include "common/status.h"
#include "worker/agent/artifacts.h"
#include "worker/agent/folder.h"

namespace lorikeet::agent {

// Whether the trial kept an adapter in its folder, for all that is known: where that cannot be read, it may.
bool HasAdapter(const Folder& folder, const std::string& trial_id);
// On disk when it returns; ResourceExhausted where that is full.
Status StoreAdapter(const Folder& folder, const ArtifactOf& adapter);
// Those that an earlier run left; what is none is removed, and told in `warnings`; so is what cannot be
// read now, which stays for the next start.
std::vector<ArtifactOf> LoadAdapters(const Folder& folder, std::vector<std::string>& warnings);
void ForgetAdapter(const Folder& folder, const std::string& attempt_id);

}  // namespace lorikeet::agent
