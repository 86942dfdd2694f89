// The attempts that this worker holds, on disk: what was granted, the spool, and which process runs it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/status.h"
#include "worker/agent/folder.h"
#include "worker/agent/spool.h"

namespace lorikeet::agent {

// A grant, as far as it must survive this process.
struct AttemptRecord {
  std::string attempt_id;
  std::int64_t token = 0;
  std::string trial_id;
  std::int64_t number = 1;
  std::vector<std::int64_t> slots;
};

struct StoredAttempt {
  AttemptRecord record;
  std::unique_ptr<Spool> spool;
};

// Makes the attempt's folder with its record and an empty spool.
StatusOr<StoredAttempt> StoreAttempt(const Folder& folder, const AttemptRecord& record);

// What an earlier run of this worker left, oldest id first. Its trainers are killed before this returns.
// Attempts that cannot be read are removed and told in `warnings`: the coordinator grants their trials again.
StatusOr<std::vector<StoredAttempt>> RecoverAttempts(const Folder& folder,
                                                     std::vector<std::string>& warnings);

// Remembers that process group `pid` runs the attempt, so that RecoverAttempts can end it.
Status StoreProcess(const std::string& attempt_folder, pid_t pid);

}  // namespace lorikeet::agent
