// The names of the files in a trial's checkpoint folder. No Torch, no state.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace lorikeet::trainer {

struct CheckpointFile {
  enum Kind { kState, kBest, kDone };
  std::string path;
  std::int64_t token = 0;
  std::int64_t step = 0;  // of best weights
  Kind kind = kState;
  bool temporary = false;  // half-written: renamed into place when whole
};

std::string StateFileName(std::int64_t token);
std::string BestFileName(std::int64_t token, std::int64_t step);
std::string DoneFileName(std::int64_t token);

// Checkpoint files in `directory`, in no order; other files are passed over. Empty where there is no such
// folder.
std::vector<CheckpointFile> ListCheckpointFiles(const std::string& directory);

// Removes those that `which` says yes to; what cannot be removed stays.
void RemoveCheckpointFiles(const std::string& directory,
                           const std::function<bool(const CheckpointFile&)>& which);

}  // namespace lorikeet::trainer
