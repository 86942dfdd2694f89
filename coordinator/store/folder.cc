#include "coordinator/store/folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace lorikeet::store {
namespace {

// linux/magic.h and the filesystems' own sources; most of these are in no header of the system's.
constexpr std::uint64_t kFuse = 0x65735546;
struct KnownType {
  std::uint64_t f_type;
  const char* name;
};
constexpr KnownType kNetworkTypes[] = {
    {0x6969, "NFS"},
    {0x517B, "SMB"},
    {0xFF534D42, "CIFS"},
    {0xFE534D42, "SMB"},
    {0x0BD00BD0, "Lustre"},
    {0x47504653, "GPFS"},
    {0x19830326, "BeeGFS"},
    {0x00C36400, "CephFS"},
    {0x5346414F, "AFS"},
    {0x6B414653, "AFS"},
    {0x73757245, "Coda"},
    {0xAAD7AAEA, "PanFS"},
    {0x7461636F, "OCFS2"},
    {0x01161970, "GFS2"},
    {0x564C, "NCP"},
    {0x786F4256, "a VirtualBox shared folder"},
    {0xBACBACBC, "a VMware shared folder"},
};
constexpr const char* kNetworkFuse[] = {
    "sshfs",     "glusterfs", "ceph",      "s3fs",        "gcsfuse", "goofys",   "mount-s3",
    "rclone",    "davfs",     "curlftpfs", "smbnetfs",    "juicefs", "beegfs",   "quobyte",
    "moosefs",   "mfs",       "lizardfs",  "saunafs",     "hdfs",    "fuse_dfs", "blobfuse",
    "blobfuse2", "cvmfs",     "orangefs",  "vmhgfs-fuse", "nfs"};

// The type of the mount that a device number belongs to: field 3 of mountinfo is "major:minor", the type
// follows " - ".
std::string MountType(dev_t device) {
  const std::string wanted = fmt::format("{}:{}", major(device), minor(device));
  std::ifstream mounts("/proc/self/mountinfo");
  std::string line, type;
  while (std::getline(mounts, line)) {
    std::istringstream fields(line);
    std::string id, parent, number;
    fields >> id >> parent >> number;
    const auto dash = line.find(" - ");
    if (number != wanted || dash == std::string::npos) continue;
    std::istringstream rest(line.substr(dash + 3));
    rest >> type;
  }
  return type;
}

}  // namespace

Status MakeFolder(const std::string& directory, const FolderSync& sync) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<fs::path> made;  // the deepest first
  fs::path folder = fs::absolute(directory, error).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();  // DIR/
  for (; !fs::exists(folder, error) && folder.has_relative_path(); folder = folder.parent_path()) {
    made.push_back(folder);
  }
  fs::create_directories(directory, error);
  if (error) return Internal("{}: cannot make the data folder: {}", directory, error.message());
  for (const fs::path& name : made) RETURN_IF_ERROR(sync(name.parent_path()));
  if (made.empty()) {
    // Perhaps made by a start that was cut short before it came here. Where the folder above is none of ours
    // this may be impossible, and is not needed.
    [[maybe_unused]] const Status tried = sync(fs::canonical(directory, error).parent_path());
  }
  return absl::OkStatus();
}

StatusOr<std::int64_t> FreeBytesOf(const std::string& directory) {
  struct statvfs filesystem {};
  if (statvfs(directory.c_str(), &filesystem) != 0) {
    return Internal("{}: {}", directory, std::strerror(errno));
  }
  return static_cast<std::int64_t>(filesystem.f_bavail) * static_cast<std::int64_t>(filesystem.f_frsize);
}

std::optional<std::string> NetworkFilesystem(std::uint64_t f_type, const std::string& mount_type) {
  // The kernel's field is signed on some systems: compare 32 bits.
  const std::uint64_t type = f_type & 0xFFFFFFFF;
  for (const KnownType& known : kNetworkTypes) {
    if (known.f_type == type) return known.name;
  }
  if (type == kFuse) {
    for (const char* name : kNetworkFuse) {
      if (mount_type == std::string("fuse.") + name) return "FUSE " + std::string(name);
    }
  }
  return std::nullopt;
}

Status RefuseNetworkFilesystem(const std::string& directory) {
  struct statfs filesystem {};
  struct stat folder {};
  if (statfs(directory.c_str(), &filesystem) != 0 || stat(directory.c_str(), &folder) != 0) {
    return Internal("{}: {}", directory, std::strerror(errno));
  }
  const auto network =
      NetworkFilesystem(static_cast<std::uint64_t>(filesystem.f_type), MountType(folder.st_dev));
  if (!network) return absl::OkStatus();
  return FailedPrecondition(
      "{}: lies on {}, where SQLite's locks and shared memory do not hold; choose a --data folder on a disk "
      "of this "
      "host",
      directory, *network);
}

StatusOr<std::unique_ptr<FolderLock>> FolderLock::Take(const std::string& directory) {
  const std::string path = directory + "/coordinator.lock";
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return Internal("{}: {}", path, std::strerror(errno));
  std::unique_ptr<FolderLock> lock(new FolderLock(file));
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Internal("{}: {}", path, std::strerror(errno));
    std::array<char, 32> text{};
    const ssize_t size = pread(file, text.data(), text.size() - 1, 0);
    std::string pid(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    while (!pid.empty() && pid.back() == '\n') pid.pop_back();
    return FailedPrecondition(
        "{}: another coordinator (pid {}) holds this data folder; stop it, or choose another "
        "--data folder",
        directory, pid.empty() ? "unknown" : pid);
  }
  const std::string pid = fmt::format("{}\n", getpid());
  if (ftruncate(file, 0) != 0 ||
      pwrite(file, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return Internal("{}: {}", path, std::strerror(errno));
  }
  return lock;
}

FolderLock::~FolderLock() { close(file_); }

}  // namespace lorikeet::store
