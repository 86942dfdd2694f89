// When the WAL's pages go back into the database file.
//
// SQLite would do it by itself every thousand pages, after a commit, but keeps to itself when that fails; a
// failed fsync of the file would be tried again, and succeed without the pages being on the disk. So it is
// done here, by the only connection that ever does it: SQLite up to 3.51.2 can damage a file where two
// connections write or checkpoint while the WAL starts over.
// Not thread-safe. After an error that is Internal, nothing here is to be called again.
#pragma once

#include <cstdint>

#include "common/status.h"
#include "coordinator/store/connection.h"

namespace lorikeet::store {

class Checkpoints {
 public:
  // `pages`: about so many come back at a time; of 4 KiB.
  Checkpoints(Connection& connection, std::int64_t pages) : connection_(connection), pages_(pages) {}

  // To be called after each commit. Where the WAL has grown by `pages`, its pages are copied without waiting
  // for anybody. The next commit then writes from its beginning again, unless somebody reads in it just then:
  // under readers that follow each other it would grow without end. Beyond eight times `pages` they are given
  // a moment to leave (new ones read the file alone by then), and the file is cut. One who stays longer, and
  // a full disk, are no error: it is tried again when the WAL has grown by `pages` more.
  Status AfterCommit();

  // Leaves nothing in the WAL, as far as readers leave in the time that the connection waits. Unavailable
  // where they do not.
  Status Finish();

 private:
  Connection& connection_;
  const std::int64_t pages_;
  std::int64_t seen_ = 0;  // how many pages the WAL had when we last tried; 0 once it starts over
};

}  // namespace lorikeet::store
