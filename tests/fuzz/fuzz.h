// A fuzz target: one file of this folder, which fills TryInput. libFuzzer calls it with inputs that it makes
// up (libfuzzer.cc, preset fuzz); in the other presets replay.cc calls it with the committed ones.
//
// A target is deterministic: what it does follows from the input alone. What must hold and does not ends the
// process by Require, which is a finding, as a crash, a sanitizer's word, a leak or a timeout is.
#pragma once

#include <string>
#include <string_view>

#include "common/status.h"

namespace lorikeet::fuzz {

// One input, of any bytes.
void TryInput(std::string_view input);

// Ends the process with `what`, unless `holds`.
void Require(bool holds, std::string_view what);
// The same, with the status' words.
void RequireOk(const Status& status, std::string_view what);

// What every refusal of bad input is: of that code, in words that are UTF-8, and begin with `prefix`.
void RequireRefusal(const Status& status, std::string_view prefix = "");

// A file in memory that holds the bytes. Readers open it by its path while this lives.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  int file_;
  std::string path_;
};

// An empty folder, in memory where the system has one there; gone with its content when this goes.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace lorikeet::fuzz
