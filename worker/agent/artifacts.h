// Files of trials between this host and the coordinator: the seam between the session, which says what is to
// travel, and the channel on which it does.
#pragma once

#include <cstdint>
#include <string>

#include "common/logging.h"
#include "common/status.h"

namespace lorikeet::agent {

// Whose files, and where they lie.
struct ArtifactOf {
  std::string trial_id, attempt_id;
  std::int64_t token = 0;  // the attempt's
  std::int64_t step = 0;
  std::string trial_folder;
};
inline LogFields FieldsOf(const ArtifactOf& of) {
  return {{"trial", of.trial_id}, {"attempt", of.attempt_id}};
}

// Not thread-safe; no call blocks.
class Artifacts {
 public:
  virtual ~Artifacts() = default;
  // The attempt has a new checkpoint in its trial's folder. It is sent some time, if nothing newer comes
  // before; where it cannot be, a later attempt at another host starts from an older one.
  virtual void SendCheckpoint(const ArtifactOf& checkpoint) = 0;
  // Checkpoints of the attempt are of no use any more, neither to be sent nor to be fetched for it.
  virtual void Forget(const std::string& attempt_id) = 0;
  // Sends what the trial kept until the coordinator has it or refuses it; OnAdapterSent follows.
  virtual void SendAdapter(const ArtifactOf& adapter) = 0;
  // Brings the checkpoint that the coordinator has into the trial's folder; OnCheckpointFetched follows, even
  // where it is forgotten. Where it fails nothing of it is there. `attempt`: the one that will go on from it.
  virtual void FetchCheckpoint(const ArtifactOf& attempt) = 0;
};

class ArtifactListener {
 public:
  virtual ~ArtifactListener() = default;
  // OK: it is the coordinator's. An error: it will never be.
  virtual void OnAdapterSent(const std::string& attempt_id, const Status& status) = 0;
  // Unavailable: not now, after minutes of trying; another time it may come. Any other error: it cannot be
  // had.
  virtual void OnCheckpointFetched(const std::string& attempt_id, const Status& status) = 0;
};

}  // namespace lorikeet::agent
