// Files that travel between hosts: named, sized and hashed before the first byte, checked after the last.
//
// A list of files travels as one row of bytes, each file's behind the one's before it. Names are of files
// alone: nothing that comes can leave its folder. Errors name the file; ResourceExhausted is a full disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/sha256.h"
#include "common/status.h"

namespace lorikeet::rpc {

inline constexpr std::size_t kChunkBytes = 256U << 10;
inline constexpr std::size_t kMostTransferFiles = 16;
inline constexpr std::size_t kMostFileNameBytes = 128;

struct TransferFile {
  std::string name;
  std::int64_t bytes = 0;
  std::string sha256;  // 64 hexadecimal digits, in lower case
  friend bool operator==(const TransferFile&, const TransferFile&) = default;
};

std::int64_t BytesOf(const std::vector<TransferFile>& files);
// InvalidArgument for a list that is empty or too long, names that are none of a plain file (a path, "..", a
// leading dot, anything but letters, digits, '-', '_' and '.'), a name twice, sizes below 0, more than
// `most_bytes` in all, and what is no SHA-256.
Status CheckTransfer(const std::vector<TransferFile>& files, std::int64_t most_bytes);

// Files that are open: what happens to their names does not change what is read. Not thread-safe.
class FileReader {
 public:
  // Of `folder`, in this order. NotFound for one that is missing; FailedPrecondition for what is no file (a
  // symbolic link above all).
  static StatusOr<std::unique_ptr<FileReader>> Open(const std::string& folder,
                                                    const std::vector<std::string>& names);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  // Whether `name`, one of them, is still the file that was opened under that name.
  bool Stands(const std::string& name) const;
  // Names and sizes as they were opened, without hashes.
  const std::vector<TransferFile>& files() const { return files_; }
  // Reads all of them for their hashes; what Next gives is not changed by it.
  StatusOr<std::vector<TransferFile>> Describe() const;
  // The next piece, of kChunkBytes at most; empty at the end. Internal where a file has become shorter.
  StatusOr<std::string> Next();

 private:
  explicit FileReader(std::string folder) : folder_(std::move(folder)) {}
  StatusOr<std::string> Read(std::size_t file, std::int64_t offset) const;

  const std::string folder_;
  std::vector<TransferFile> files_;
  std::vector<int> open_;
  std::size_t next_ = 0;  // which is read
  std::int64_t offset_ = 0;
};

// Writes what comes into a folder. Not thread-safe.
class FileWriter {
 public:
  // `folder` is there, and empty; `files` have passed CheckTransfer.
  FileWriter(std::string folder, std::vector<TransferFile> files);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  // InvalidArgument for more than was said.
  Status Take(std::string_view bytes);
  // All has come and is on disk, names included. InvalidArgument where it is less than was said, DataLoss
  // where a hash is another.
  Status Finish();
  std::int64_t bytes() const { return bytes_; }

 private:
  Status OpenNext();
  Status CloseOne();

  const std::string folder_;
  const std::vector<TransferFile> files_;
  std::size_t next_ = 0;  // the one after the open one
  int open_ = -1;
  std::int64_t left_ = 0;  // of the open one
  std::int64_t bytes_ = 0;
  Sha256 hash_;
};

}  // namespace lorikeet::rpc
