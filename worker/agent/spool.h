// One attempt's events on disk, numbered from 1 without holes, kept until the coordinator has them.
//
// A record is (length, checksum, number, bytes); what a crash left half-written at the end is dropped when
// the file is opened again, with everything behind the first record that does not check.
//
// While the disk is full, events wait in memory behind those on disk, with their numbers: they can be read
// and acknowledged like the others, and are written once there is room. Any other failure of the disk ends
// the trust in the file: what fsync did not confirm once it never confirms. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"
#include "worker/agent/disk.h"

namespace lorikeet::agent {

class Spool {
 public:
  struct Record {
    std::int64_t sequence = 0;
    std::string payload;
  };

  // Opens or makes the file, which then survives a power cut, but for its name; `disk` outlives the spool.
  // Errors of the disk, or FailedPrecondition where the file is no spool.
  static StatusOr<std::unique_ptr<Spool>> Open(Disk& disk, const std::string& path);
  // Without a file: what it holds goes with the process. Its first event has the number `acknowledged` + 1.
  static std::unique_ptr<Spool> InMemory(std::int64_t acknowledged);
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // The highest number given, 0 before the first.
  std::int64_t last() const { return next_ - 1; }
  // Everything up to here is the coordinator's.
  std::int64_t acknowledged() const { return acknowledged_; }
  bool empty() const { return acknowledged_ >= last(); }
  // How many bytes were dropped at the end on opening.
  std::int64_t dropped_bytes() const { return dropped_bytes_; }
  // Bytes of the events that the coordinator does not have yet, on disk and in memory.
  std::size_t unacknowledged_bytes() const;
  // Bytes of events that wait for room on the disk; 0 where none waits.
  std::size_t waiting_bytes() const { return file_ == nullptr ? 0 : waiting_bytes_; }

  // Adds the event last() + 1. `sync`: returns only when it, and all before it, survive a power cut, or waits
  // in memory. An error is final: the spool is of no more use.
  Status Append(std::string_view payload, bool sync);
  // Writes what waits, as far as there is room. An error is final.
  Status Flush();
  // The events after number `after`, oldest first: at most `most_records`, and one or as many as fit in
  // `most_bytes`. Acknowledged ones may be gone.
  StatusOr<std::vector<Record>> Read(std::int64_t after, std::size_t most_records,
                                     std::size_t most_bytes) const;
  // Numbers beyond last() count as last(); going back is ignored. Frees the disk once everything is
  // acknowledged. An error is final.
  Status Acknowledge(std::int64_t sequence);
  // Forgets its events, all of them, and goes on counting behind `acknowledged`, which is the coordinator's.
  void Restart(std::int64_t acknowledged);

 private:
  struct Waiting {
    std::string payload;
    bool sync;
  };
  Spool(Disk* disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  Status Load();
  // The file's content becomes: nothing yet, the next record is `first`.
  Status StartAfresh(std::int64_t first);
  Status Write(std::int64_t sequence, const Waiting& event);
  StatusOr<std::string> ReadPayload(std::int64_t sequence, std::int64_t offset) const;
  // Of the first that waits, or of the next one.
  std::int64_t first_waiting() const { return next_ - static_cast<std::int64_t>(waiting_.size()); }
  std::int64_t disk_end() const { return first_ + static_cast<std::int64_t>(offsets_.size()); }

  Disk* const disk_;
  const std::string path_;
  std::unique_ptr<Disk::File> file_;   // null: in memory
  std::int64_t first_ = 1;             // number of offsets_[0]
  std::vector<std::int64_t> offsets_;  // where each record begins
  std::int64_t end_ = 0;               // where the next one goes
  std::deque<Waiting> waiting_;        // the newest; between them and those on disk all is acknowledged
  std::size_t waiting_bytes_ = 0;
  std::int64_t next_ = 1;  // the number of the next event
  std::int64_t acknowledged_ = 0;
  std::int64_t dropped_bytes_ = 0;
  Status broken_;
};

}  // namespace lorikeet::agent
