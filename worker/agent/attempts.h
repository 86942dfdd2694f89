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

// Makes the attempt's folder with its record and an empty spool; they are there after a power cut too.
// ResourceExhausted where the disk is full. After an error some of it may be left.
StatusOr<StoredAttempt> StoreAttempt(const Folder& folder, const AttemptRecord& record);

// What an earlier run of this worker left, by id. Its trainers are killed before this returns.
// Attempts that cannot be read are removed and told in `warnings`: the coordinator grants their trials again.
StatusOr<std::vector<StoredAttempt>> RecoverAttempts(const Folder& folder,
                                                     std::vector<std::string>& warnings);

// Start times are counted from the boot, so a process is named by boot, number and start.
std::string BootId();
// Remembers that process group `pid` runs the attempt, so that RecoverAttempts can end it. On disk when it
// returns.
Status StoreProcess(const std::string& attempt_folder, pid_t pid);
// In a trainer's environment, and so in that of all that it starts: its attempt's folder, by which
// RecoverAttempts finds what has outlived the trainer or left its group.
inline constexpr const char* kAttemptMark = "LORIKEET_ATTEMPT_FOLDER";

}  // namespace lorikeet::agent
