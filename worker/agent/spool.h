// One attempt's events on disk, numbered from 1 without holes, kept until the coordinator has them.
//
// A record is (length, checksum, number, bytes); what a crash left half-written at the end is dropped when
// the file is opened again, with everything behind the first record that does not check. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"

namespace lorikeet::agent {

class Spool {
 public:
  struct Record {
    std::int64_t sequence = 0;
    std::string payload;
  };

  // Opens or makes the file. Internal with the path where the disk refuses; FailedPrecondition where the file
  // is no spool.
  static StatusOr<std::unique_ptr<Spool>> Open(const std::string& path);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // The highest number given, 0 before the first.
  std::int64_t last() const { return first_ + static_cast<std::int64_t>(offsets_.size()) - 1; }
  // Everything up to here is the coordinator's.
  std::int64_t acknowledged() const { return acknowledged_; }
  bool empty() const { return acknowledged_ >= last(); }
  // How many bytes were dropped at the end on opening.
  std::int64_t dropped_bytes() const { return dropped_bytes_; }

  // Adds the event last() + 1. `sync`: returns only when it, and all before it, survive a power cut.
  Status Append(std::string_view payload, bool sync);
  // The events after number `after`, oldest first: at most `most_records`, and one or as many as fit in
  // `most_bytes`. Acknowledged ones may be gone.
  StatusOr<std::vector<Record>> Read(std::int64_t after, std::size_t most_records,
                                     std::size_t most_bytes) const;
  // Numbers beyond last() count as last(); going back is ignored. Frees the disk once everything is
  // acknowledged.
  Status Acknowledge(std::int64_t sequence);

 private:
  Spool(std::string path, int file) : path_(std::move(path)), file_(file) {}
  Status Load();
  Status StartAfresh();
  Status Failure(const char* action) const;

  const std::string path_;
  int file_;
  std::int64_t first_ = 1;             // number of offsets_[0]
  std::vector<std::int64_t> offsets_;  // where each record begins
  std::int64_t end_ = 0;               // where the next one goes
  std::int64_t acknowledged_ = 0;
  std::int64_t dropped_bytes_ = 0;
};

}  // namespace lorikeet::agent
