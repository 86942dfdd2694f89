// The names of the files in a trial's checkpoint folder, which the trainer writes
// (worker/trainer/train/checkpoint.h says what is in them) and the worker carries to the coordinator and
// back.
//
// Functions without state; thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lorikeet::protocol {

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

// What a file of that name is; nothing where it is none of a checkpoint. `path` is left empty.
std::optional<CheckpointFile> ParseCheckpointFile(const std::string& name);

// Checkpoint files in `directory`, in no order; other files are passed over. Empty where there is no such
// folder.
std::vector<CheckpointFile> ListCheckpointFiles(const std::string& directory);

// Removes those that `which` says yes to; what cannot be removed stays.
void RemoveCheckpointFiles(const std::string& directory,
                           const std::function<bool(const CheckpointFile&)>& which);

}  // namespace lorikeet::protocol
