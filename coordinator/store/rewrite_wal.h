// Makes a start trust the disk again after one that ended on a failed fsync.
//
// What the kernel shows of the WAL then may not be on the disk, and is called clean: no later fsync writes
// it. SQLite goes on from what it reads, and a power cut would take the missing piece, with all that was
// committed behind it, or damage the file if it goes during a checkpoint. Nobody can see it in the files, so
// every start does this.
#pragma once

#include "common/status.h"
#include "coordinator/store/connection.h"

namespace lorikeet::store {

// Writes the WAL's bytes over themselves and syncs them, with writers of other programs locked out. The
// database is in WAL mode. Throws SQLite::Exception where it cannot have the lock.
Status RewriteWal(Connection& connection);

}  // namespace lorikeet::store
