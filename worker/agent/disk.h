// The disk under the worker's folder: the seam that lets tests have one that is full, fails, or loses what
// was not synced.
//
// Errors name the path. ResourceExhausted: no room (or quota) now, and trying again later may help; NotFound;
// Internal: anything else, where what was being written may be there, in part, or not.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"

namespace lorikeet::agent {

// Not thread-safe.
class Disk {
 public:
  // An open file, closed by its destructor. Offsets and sizes are bytes.
  class File {
   public:
    virtual ~File() = default;
    virtual StatusOr<std::int64_t> Size() = 0;
    // Exactly `size` bytes; an error where the file has not so many.
    virtual StatusOr<std::string> Read(std::int64_t offset, std::size_t size) = 0;
    // All of it. After an error any part may be there.
    virtual Status Write(std::int64_t offset, std::string_view bytes) = 0;
    virtual Status Truncate(std::int64_t size) = 0;
    // What was written survives a power cut. After an error nothing is known of it, and a later success says
    // nothing either.
    virtual Status Sync() = 0;
  };
  struct Entry {
    std::string name;
    std::chrono::seconds untouched{0};  // since something in it was last made, renamed or removed
  };

  virtual ~Disk() = default;
  // For reading and writing; made where it is missing.
  virtual StatusOr<std::unique_ptr<File>> Open(const std::string& path) = 0;
  virtual StatusOr<std::string> ReadFile(const std::string& path) = 0;
  // A reader, or a power cut, sees the old content or the new; returns when the new one would survive.
  virtual Status ReplaceFile(const std::string& path, std::string_view content) = 0;
  // One that is there is no error; NotFound where the folder that it should be in is not there.
  virtual Status MakeFolder(const std::string& path) = 0;
  // The names in it, as they are now, survive a power cut.
  virtual Status SyncFolder(const std::string& path) = 0;
  // With all that is in it; what is missing is no error.
  virtual Status Remove(const std::string& path) = 0;
  virtual StatusOr<std::vector<Entry>> List(const std::string& path) = 0;
};

// The machine's. Lives for the whole process; thread-safe.
Disk& RealDisk();

inline bool IsFull(const Status& status) { return absl::IsResourceExhausted(status); }

}  // namespace lorikeet::agent
