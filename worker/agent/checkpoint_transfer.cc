#include "worker/agent/checkpoint_transfer.h"

#include <algorithm>
#include <filesystem>

#include "common/files.h"
#include "worker/protocol/checkpoint_files.h"

namespace lorikeet::agent {
namespace {

namespace fs = std::filesystem;
using protocol::CheckpointFile;

constexpr int kLooks = 5;
constexpr const char* kAside = "/fetched";

Status Failure(const std::string& path, const std::error_code& error) {
  const auto code = error == std::errc::no_such_file_or_directory ? absl::StatusCode::kNotFound
                    : error == std::errc::no_space_on_device      ? absl::StatusCode::kResourceExhausted
                                                                  : absl::StatusCode::kInternal;
  return MakeStatus(code, "{}: {}", path, error.message());
}

}  // namespace

StatusOr<std::unique_ptr<rpc::FileReader>> OpenCheckpoint(const std::string& trial_folder,
                                                          std::int64_t token) {
  const std::string folder = trial_folder + kCheckpointFolder;
  const std::string state = protocol::StateFileName(token);
  for (int look = 0; look < kLooks; ++look) {
    // Opened before the others are looked for, and compared when all are open: the trainer writes what a
    // state names before it, and removes none of that while it stands. So this is one moment's.
    auto before = rpc::FileReader::Open(folder, {state});
    RETURN_IF_ERROR(before.status());
    std::vector<std::string> names;
    for (const CheckpointFile& file : protocol::ListCheckpointFiles(folder)) {
      if (file.token != token || file.temporary || file.kind != CheckpointFile::kBest) continue;
      names.push_back(fs::path(file.path).filename().string());
    }
    std::sort(names.begin(), names.end());
    names.push_back(state);
    auto all = rpc::FileReader::Open(folder, names);
    if (all.ok() && (*before)->Stands(state) && (*all)->Stands(state)) return all;
    if (!all.ok() && !absl::IsNotFound(all.status())) return all;
  }
  return Unavailable("{}: changes faster than it is read", folder);
}

StatusOr<std::unique_ptr<rpc::FileReader>> OpenAdapter(const std::string& trial_folder) {
  const std::string folder = trial_folder + kAdapterFolder;
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error && error != std::errc::no_such_file_or_directory) return Failure(folder, error);
  if (error || names.empty()) return NotFound("{}: nothing was kept", folder);
  std::sort(names.begin(), names.end());
  return rpc::FileReader::Open(folder, names);
}

Status CheckIsCheckpoint(const std::vector<rpc::TransferFile>& files, std::int64_t token) {
  bool has_state = false;
  for (const rpc::TransferFile& listed : files) {
    const auto file = protocol::ParseCheckpointFile(listed.name);
    if (!file || file->token != token || file->temporary || file->kind == CheckpointFile::kDone) {
      return InvalidArgument("{}: no file of a checkpoint of token {}", listed.name, token);
    }
    has_state = has_state || file->kind == CheckpointFile::kState;
  }
  return has_state ? absl::OkStatus() : InvalidArgument("a checkpoint without its state");
}

StatusOr<std::string> MakeAside(const std::string& trial_folder) {
  RemoveAside(trial_folder);
  std::string aside = trial_folder + kAside;
  std::error_code error;
  fs::create_directory(aside, error);  // a trial whose folder is gone needs none
  if (error) return Failure(aside, error);
  return aside;
}

Status PutInPlace(const std::string& aside, const std::string& trial_folder,
                  const std::vector<rpc::TransferFile>& files) {
  const std::string folder = trial_folder + kCheckpointFolder;
  std::error_code error;
  fs::create_directory(folder, error);
  if (error) return Failure(folder, error);
  for (const bool states : {false, true}) {
    for (const rpc::TransferFile& file : files) {
      if ((protocol::ParseCheckpointFile(file.name)->kind == CheckpointFile::kState) != states) continue;
      fs::rename(aside + "/" + file.name, folder + "/" + file.name, error);
      if (error) return Failure(folder + "/" + file.name, error);
    }
  }
  RemoveAside(trial_folder);
  RETURN_IF_ERROR(SyncFolder(folder));
  return SyncFolder(trial_folder);
}

void RemoveAside(const std::string& trial_folder) {
  std::error_code ignored;
  fs::remove_all(trial_folder + kAside, ignored);
}

}  // namespace lorikeet::agent
