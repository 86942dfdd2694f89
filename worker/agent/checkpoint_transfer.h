// A trial's files as they are sent and as they come: what belongs together, and how it becomes one again.
//
// Functions without state; thread-safe. They may take long: a checkpoint is read for its hash and written to
// disk.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/rpc/transfer.h"
#include "common/status.h"

namespace lorikeet::agent {

// In a trial's folder.
inline constexpr const char* kCheckpointFolder = "/checkpoint";
inline constexpr const char* kAdapterFolder = "/kept";

// The checkpoint of the attempt of that token: its state and the best weights that this names, as of one
// moment, though the trainer goes on writing others. NotFound where there is none; Unavailable where the
// trainer was quicker each time.
StatusOr<std::unique_ptr<rpc::FileReader>> OpenCheckpoint(const std::string& trial_folder,
                                                          std::int64_t token);
// All that the trial kept. NotFound where there is nothing.
StatusOr<std::unique_ptr<rpc::FileReader>> OpenAdapter(const std::string& trial_folder);

// Whether these are the files of a checkpoint of that token: InvalidArgument names one that is not.
Status CheckIsCheckpoint(const std::vector<rpc::TransferFile>& files, std::int64_t token);
// Where files are written that are to become the trial's checkpoint: a new empty folder. NotFound where the
// trial's is gone.
StatusOr<std::string> MakeAside(const std::string& trial_folder);
// Puts them into their place, the state last, so that what it names is there whenever it is; then the folder
// is gone.
Status PutInPlace(const std::string& aside, const std::string& trial_folder,
                  const std::vector<rpc::TransferFile>& files);
void RemoveAside(const std::string& trial_folder);

}  // namespace lorikeet::agent
