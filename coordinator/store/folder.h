// The data folder: locked by one coordinator, on a local filesystem.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/status.h"

namespace lorikeet::store {

using FolderSync = std::function<Status(const std::string& folder)>;

// Makes `directory` with the folders above it that are missing, and syncs the folders that hold their names:
// a power cut does not take them away again. Internal, naming the folder, where that cannot be done.
Status MakeFolder(const std::string& directory, const FolderSync& sync);

// Bytes that the filesystem of `directory` has left for this user.
StatusOr<std::int64_t> FreeBytesOf(const std::string& directory);

// Names the network or shared filesystem that a statfs answer means, or nothing. `f_type` as in statfs(2);
// `mount_type` is the mount's type in /proc/self/mountinfo ("fuse.sshfs"), which tells FUSE filesystems
// apart.
std::optional<std::string> NetworkFilesystem(std::uint64_t f_type, const std::string& mount_type);

// FailedPrecondition where `directory` lies on such a filesystem: SQLite's locks and its shared memory do not
// hold there.
Status RefuseNetworkFilesystem(const std::string& directory);

// flock on DIR/coordinator.lock, which holds the owner's pid; released when this goes, or with the process.
class FolderLock {
 public:
  // FailedPrecondition, naming the folder and the holder's pid, where another holds it.
  static StatusOr<std::unique_ptr<FolderLock>> Take(const std::string& directory);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  explicit FolderLock(int file) : file_(file) {}
  int file_;
};

}  // namespace lorikeet::store
