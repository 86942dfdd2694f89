// Files and folders that appear whole or not at all: written aside, synced, renamed.
//
// What is not kept is removed with the object, also where the disk was full. Not thread-safe. Errors name the
// path.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/status.h"

namespace lorikeet::exporting {

// A file that becomes `path`, replacing what is there; a pipe or a device is written to as it is.
class NewFile {
 public:
  explicit NewFile(std::string path) : path_(std::move(path)) {}
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  Status Open();
  Status Write(std::string_view text);
  Status Keep();

 private:
  const std::string path_;
  std::string aside_;  // empty: what is written to is `path_` itself
  int file_ = -1;
};

// A folder that becomes `out`.
class NewFolder {
 public:
  explicit NewFolder(const std::string& out);
  ~NewFolder();
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  // FailedPrecondition where `out` is there and is not an empty folder.
  Status Make();
  // `name` may hold folders, which are made. The file is synced.
  Status Write(const std::string& name, std::string_view content);
  Status Keep();
  // Where it grows.
  const std::string& path() const { return aside_; }
  const std::string& out() const { return out_; }

 private:
  Status CheckFree() const;

  std::string out_, aside_;
};

// A name for a file or a folder, whatever the thing is called: "lora rank=8" → "lora-rank=8".
std::string FileName(const std::string& name);

}  // namespace lorikeet::exporting
