#include "common/rpc/transfer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "common/files.h"

namespace lorikeet::rpc {
namespace {

Status Failure(const std::string& path, const char* action, int error) {
  const auto code = error == ENOENT                      ? absl::StatusCode::kNotFound
                    : error == ENOSPC || error == EDQUOT ? absl::StatusCode::kResourceExhausted
                                                         : absl::StatusCode::kInternal;
  return MakeStatus(code, "{}: cannot {}: {}", path, action, std::strerror(error));
}

bool IsPlain(const std::string& name) {
  return !name.empty() && name.size() <= kMostFileNameBytes && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                  c == '_' || c == '.';
         });
}

bool IsSha256(const std::string& text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

std::int64_t BytesOf(const std::vector<TransferFile>& files) {
  std::int64_t bytes = 0;
  for (const TransferFile& file : files) bytes += file.bytes;
  return bytes;
}

Status CheckTransfer(const std::vector<TransferFile>& files, std::int64_t most_bytes) {
  if (files.empty()) return InvalidArgument("no file");
  if (files.size() > kMostTransferFiles)
    return InvalidArgument("{} files; at most {}", files.size(), kMostTransferFiles);
  std::set<std::string> names;
  std::int64_t left = most_bytes;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const TransferFile& file = files[i];
    if (!IsPlain(file.name)) {
      return InvalidArgument(
          "files[{}].name: not the name of a file: letters, digits, '-', '_' and '.', no path, no leading "
          "dot, {} bytes "
          "at most",
          i, kMostFileNameBytes);
    }
    if (!names.insert(file.name).second)
      return InvalidArgument("files[{}].name: {} stands twice", i, file.name);
    if (!IsSha256(file.sha256))
      return InvalidArgument("files[{}].sha256: not 64 hexadecimal digits in lower case", i);
    if (file.bytes < 0) return InvalidArgument("files[{}].bytes: {}; at least 0", i, file.bytes);
    if (file.bytes > left) return InvalidArgument("the files have more than {} bytes", most_bytes);
    left -= file.bytes;
  }
  return absl::OkStatus();
}

// ---- reading

StatusOr<std::unique_ptr<FileReader>> FileReader::Open(const std::string& folder,
                                                       const std::vector<std::string>& names) {
  std::unique_ptr<FileReader> reader(new FileReader(folder));
  for (const std::string& name : names) {
    const std::string path = fmt::format("{}/{}", folder, name);
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0 && errno == ELOOP) return FailedPrecondition("{}: is a symbolic link", path);
    if (file < 0) return Failure(path, "open", errno);
    reader->open_.push_back(file);
    struct stat info {};
    if (fstat(file, &info) != 0) return Failure(path, "look at it", errno);
    if (!S_ISREG(info.st_mode)) return FailedPrecondition("{}: is no file", path);
    reader->files_.push_back({.name = name, .bytes = std::int64_t{info.st_size}, .sha256 = {}});
  }
  return reader;
}

FileReader::~FileReader() {
  for (const int file : open_) close(file);
}

bool FileReader::Stands(const std::string& name) const {
  for (std::size_t i = 0; i < files_.size(); ++i) {
    struct stat opened {
    }, standing{};
    if (files_[i].name != name) continue;
    return fstat(open_[i], &opened) == 0 && lstat((folder_ + "/" + name).c_str(), &standing) == 0 &&
           opened.st_dev == standing.st_dev && opened.st_ino == standing.st_ino;
  }
  return false;
}

StatusOr<std::string> FileReader::Read(std::size_t file, std::int64_t offset) const {
  const std::int64_t left = files_[file].bytes - offset;
  std::string bytes(static_cast<std::size_t>(std::min<std::int64_t>(left, kChunkBytes)), '\0');
  for (std::size_t have = 0; have < bytes.size();) {
    const ssize_t got = pread(open_[file], bytes.data() + have, bytes.size() - have,
                              offset + static_cast<std::int64_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failure(folder_ + "/" + files_[file].name, "read", errno);
    if (got == 0) return Internal("{}/{}: has become shorter", folder_, files_[file].name);
    have += static_cast<std::size_t>(got);
  }
  return bytes;
}

StatusOr<std::vector<TransferFile>> FileReader::Describe() const {
  std::vector<TransferFile> described = files_;
  for (std::size_t i = 0; i < described.size(); ++i) {
    Sha256 hash;
    for (std::int64_t offset = 0; offset < described[i].bytes;) {
      ASSIGN_OR_RETURN(const std::string bytes, Read(i, offset));
      hash.Add(bytes);
      offset += static_cast<std::int64_t>(bytes.size());
    }
    described[i].sha256 = hash.Hex();
  }
  return described;
}

StatusOr<std::string> FileReader::Next() {
  while (next_ < files_.size() && offset_ == files_[next_].bytes) {
    ++next_;
    offset_ = 0;
  }
  if (next_ == files_.size()) return std::string();
  ASSIGN_OR_RETURN(std::string bytes, Read(next_, offset_));
  offset_ += static_cast<std::int64_t>(bytes.size());
  return bytes;
}

// ---- writing

FileWriter::FileWriter(std::string folder, std::vector<TransferFile> files)
    : folder_(std::move(folder)), files_(std::move(files)) {}

FileWriter::~FileWriter() {
  if (open_ >= 0) close(open_);
}

Status FileWriter::OpenNext() {
  const TransferFile& file = files_[next_++];
  const std::string path = folder_ + "/" + file.name;
  open_ = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (open_ < 0) return Failure(path, "make", errno);
  left_ = file.bytes;
  hash_ = Sha256();
  return absl::OkStatus();
}

Status FileWriter::CloseOne() {
  const TransferFile& file = files_[next_ - 1];
  const std::string path = folder_ + "/" + file.name;
  const bool synced = fsync(open_) == 0;
  const int error = errno;
  close(std::exchange(open_, -1));
  if (!synced) return Failure(path, "fsync", error);
  if (const std::string found = hash_.Hex(); found != file.sha256) {
    return MakeStatus(absl::StatusCode::kDataLoss, "{}: its SHA-256 is {}, where {} was said", file.name,
                      found, file.sha256);
  }
  return absl::OkStatus();
}

Status FileWriter::Take(std::string_view bytes) {
  while (!bytes.empty()) {
    if (open_ < 0) {
      if (next_ == files_.size()) return InvalidArgument("more bytes came than the files have");
      RETURN_IF_ERROR(OpenNext());
    }
    const auto size = std::min<std::size_t>(bytes.size(), static_cast<std::size_t>(left_));
    for (std::size_t done = 0; done < size;) {
      const ssize_t written = write(open_, bytes.data() + done, size - done);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return Failure(folder_ + "/" + files_[next_ - 1].name, "write", errno);
      done += static_cast<std::size_t>(written);
    }
    hash_.Add(bytes.substr(0, size));
    bytes.remove_prefix(size);
    left_ -= static_cast<std::int64_t>(size);
    bytes_ += static_cast<std::int64_t>(size);
    if (left_ == 0) RETURN_IF_ERROR(CloseOne());
  }
  return absl::OkStatus();
}

Status FileWriter::Finish() {
  if (open_ >= 0) {
    return InvalidArgument("{}: {} of its {} bytes are missing", files_[next_ - 1].name, left_,
                           files_[next_ - 1].bytes);
  }
  while (next_ < files_.size()) {
    if (files_[next_].bytes > 0) return InvalidArgument("{}: did not come", files_[next_].name);
    RETURN_IF_ERROR(OpenNext());
    RETURN_IF_ERROR(CloseOne());
  }
  return SyncFolder(folder_);
}

}  // namespace lorikeet::rpc
