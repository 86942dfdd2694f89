#include "worker/agent/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "common/files.h"

namespace lorikeet::agent {
namespace {

namespace fs = std::filesystem;

Status Failure(const std::string& path, const char* action, int error) {
  const auto code = error == ENOENT                      ? absl::StatusCode::kNotFound
                    : error == ENOSPC || error == EDQUOT ? absl::StatusCode::kResourceExhausted
                                                         : absl::StatusCode::kInternal;
  return MakeStatus(code, "{}: cannot {}: {}", path, action, std::strerror(error));
}

class OpenFile : public Disk::File {
 public:
  OpenFile(std::string path, int file) : path_(std::move(path)), file_(file) {}
  ~OpenFile() override { close(file_); }

  StatusOr<std::int64_t> Size() override {
    struct stat info {};
    if (fstat(file_, &info) != 0) return Failure(path_, "look at it", errno);
    return static_cast<std::int64_t>(info.st_size);
  }
  StatusOr<std::string> Read(std::int64_t offset, std::size_t size) override {
    std::string bytes(size, '\0');
    for (std::size_t have = 0; have < size;) {
      const ssize_t got =
          pread(file_, bytes.data() + have, size - have, offset + static_cast<std::int64_t>(have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Failure(path_, "read", errno);
      if (got == 0) return Internal("{}: cannot read: it ends before its byte {}", path_, offset + have);
      have += static_cast<std::size_t>(got);
    }
    return bytes;
  }
  Status Write(std::int64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = pwrite(file_, bytes.data(), bytes.size(), offset);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return Failure(path_, "write", errno);
      offset += written;
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return absl::OkStatus();
  }
  Status Truncate(std::int64_t size) override {
    return ftruncate(file_, size) == 0 ? absl::OkStatus() : Failure(path_, "shorten", errno);
  }
  Status Sync() override { return fdatasync(file_) == 0 ? absl::OkStatus() : Failure(path_, "fsync", errno); }

 private:
  const std::string path_;
  const int file_;
};

class Machine : public Disk {
 public:
  StatusOr<std::unique_ptr<File>> Open(const std::string& path) override {
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) return Failure(path, "open", errno);
    return std::make_unique<OpenFile>(path, file);
  }
  StatusOr<std::string> ReadFile(const std::string& path) override { return lorikeet::ReadFile(path); }
  Status ReplaceFile(const std::string& path, std::string_view content) override {
    const std::string aside = path + ".tmp";
    Status status = WriteWhole(aside, content);
    if (status.ok() && rename(aside.c_str(), path.c_str()) != 0)
      status = Failure(path, "rename into place", errno);
    if (!status.ok()) {
      unlink(aside.c_str());
      return status;
    }
    return SyncFolder(fs::path(path).parent_path().string());
  }
  Status MakeFolder(const std::string& path) override {
    if (mkdir(path.c_str(), 0777) == 0) return absl::OkStatus();
    const int error = errno;
    std::error_code ignored;
    if (error == EEXIST && fs::is_directory(path, ignored)) return absl::OkStatus();
    return Failure(path, "make the folder", error);
  }
  Status SyncFolder(const std::string& path) override { return lorikeet::SyncFolder(path); }
  Status Remove(const std::string& path) override {
    std::error_code error;
    fs::remove_all(path, error);
    return error ? Failure(path, "remove", error.value()) : absl::OkStatus();
  }
  StatusOr<std::vector<Entry>> List(const std::string& path) override {
    std::vector<Entry> entries;
    std::error_code error;
    const auto now = fs::file_time_type::clock::now();
    for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
      std::error_code gone;
      const auto touched = entry->last_write_time(gone);
      if (gone) continue;
      const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - touched);
      entries.push_back({entry->path().filename().string(), age});
    }
    if (error) return Failure(path, "list", error.value());
    std::sort(entries.begin(), entries.end(),
              [](const Entry& one, const Entry& other) { return one.name < other.name; });
    return entries;
  }

 private:
  static Status WriteWhole(const std::string& path, std::string_view content) {
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) return Failure(path, "open", errno);
    OpenFile whole(path, file);
    RETURN_IF_ERROR(whole.Write(0, content));
    return whole.Sync();
  }
};

}  // namespace

Disk& RealDisk() {
  static Machine machine;
  return machine;
}

}  // namespace lorikeet::agent
