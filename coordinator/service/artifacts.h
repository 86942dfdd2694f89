// Files of trials: who may hand them in and have them, which count, and for how long.
//
// Not thread-safe: the service's. Bytes are moved by whoever composes; a row is written when they are on
// disk, and they are removed when the row is gone.
#pragma once

#include <string>
#include <vector>

#include "coordinator/service/change.h"
#include "sweeps/trial/trial.h"

namespace lorikeet::service {

class Artifacts {
 public:
  explicit Artifacts(Context& context) : context_(context) {}

  // As Service has them.
  StatusOr<std::string> Offer(const core::Artifact& artifact, const std::string& worker_id,
                              std::int64_t coming);
  Status Keep(const core::Artifact& artifact, const std::string& worker_id);
  StatusOr<FoundArtifact> FindCheckpoint(const std::string& trial_id, const Lease& lease,
                                         const std::string& worker_id);
  StatusOr<FoundArtifact> FindAdapter(const std::string& trial);
  StatusOr<std::vector<PrunedSweep>> Prune(const std::string& sweep, bool dry_run);

 private:
  // The trial, where the attempt is its own, this worker's, and of its newest token, as memory has it.
  StatusOr<const TrialRecord*> Holder(const std::string& trial_id, const Lease& lease,
                                      const std::string& worker_id);
  Status CheckState(const core::Trial& trial, core::ArtifactKind kind) const;
  Status CheckRoom(std::int64_t bytes);
  StatusOr<Method> MethodOf(const core::Trial& trial);
  StatusOr<PrunedSweep> PruneSweep(const SweepRecord& record, bool dry_run);

  Context& context_;
};

}  // namespace lorikeet::service
