// SQLite on a FailingDisk: a VFS with locks and shared memory (WAL) for connections of one process.
//
// While one of these lives, connections opened with its name are on its disk; all must be closed before it
// goes. It makes no temporary files. SQLite's randomness comes from the disk's dice, its time stands still,
// and nothing ever sleeps. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tests/coordinator/store/failing_disk.h"

namespace lorikeet::store {

class FailingVfs {
 public:
  // `name` is no other VFS's. The disk outlives this.
  FailingVfs(FailingDisk& disk, std::string name);
  ~FailingVfs();
  FailingVfs(const FailingVfs&) = delete;
  FailingVfs& operator=(const FailingVfs&) = delete;

  const std::string& name() const;
  // How long SQLite would have slept in all, in microseconds: waiting for locks.
  std::int64_t slept() const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace lorikeet::store
