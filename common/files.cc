#include "common/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace lorikeet {
namespace {

// Whatever is read whole is far smaller: settings, indices, vocabularies, an adapter's weights.
constexpr std::size_t kMostBytes = std::size_t{1} << 30;

Status Errno(const std::string& path, const char* action) {
  const int error = errno;
  const auto code = error == ENOENT ? absl::StatusCode::kNotFound : absl::StatusCode::kInternal;
  return MakeStatus(code, "{}: cannot {}: {}", path, action, std::strerror(error));
}

Status WriteAll(int file, const std::string& path, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(file, content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return Errno(path, "write");
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return absl::OkStatus();
}

Status WriteAndSync(int file, const std::string& path, std::string_view content) {
  RETURN_IF_ERROR(WriteAll(file, path, content));
  if (fsync(file) != 0) return Errno(path, "fsync");
  return absl::OkStatus();
}

// A pipe or a device cannot be replaced, only written to.
Status WriteInto(const std::string& path, std::string_view content) {
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return Errno(path, "open");
  Status status = WriteAll(file, path, content);
  if (close(file) != 0 && status.ok()) status = Errno(path, "close");
  return status;
}

}  // namespace

StatusOr<std::string> ReadFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return Errno(path, "open");
  std::string content;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t got = read(file, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      Status status = Errno(path, "read");
      close(file);
      return status;
    }
    if (got == 0) break;
    content.append(buffer, static_cast<std::size_t>(got));
    if (content.size() > kMostBytes) {  // a device, say: it would take all memory
      close(file);
      return InvalidArgument("{}: has more than {} bytes", path, kMostBytes);
    }
  }
  close(file);
  return content;
}

Status SyncFolder(const std::string& folder) {
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return Errno(folder, "open");
  const int result = fsync(file);
  Status status = result == 0 ? absl::OkStatus() : Errno(folder, "fsync");
  close(file);
  return status;
}

Status WriteFileAtomically(const std::string& named, std::string_view content, unsigned mode) {
  std::error_code error;
  std::string path = named;
  if (std::filesystem::is_symlink(named, error)) {  // its target is what is meant
    const std::filesystem::path target = std::filesystem::weakly_canonical(named, error);
    if (!error) path = target.string();
  }
  const auto kind = std::filesystem::status(path, error).type();
  if (kind == std::filesystem::file_type::character || kind == std::filesystem::file_type::fifo ||
      kind == std::filesystem::file_type::block || kind == std::filesystem::file_type::socket) {
    return WriteInto(path, content);
  }
  const std::string aside = path + ".tmp." + std::to_string(getpid());
  const int file = open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (file < 0) return Errno(aside, "open");
  Status status = WriteAndSync(file, aside, content);
  close(file);
  if (status.ok() && rename(aside.c_str(), path.c_str()) != 0) status = Errno(path, "rename into place");
  if (!status.ok()) {
    unlink(aside.c_str());
    return status;
  }
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return SyncFolder(folder.empty() ? "." : folder);
}

}  // namespace lorikeet
