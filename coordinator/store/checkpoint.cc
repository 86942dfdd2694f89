#include "coordinator/store/checkpoint.h"

#include <sqlite3.h>

#include "coordinator/store/guard.h"

namespace lorikeet::store {
namespace {

constexpr std::int64_t kTooLong = 8;  // times `pages`
// The coordinator stands still for it.
constexpr std::chrono::milliseconds kReadersLeave{50};

// Unavailable where somebody reads; ResourceExhausted where the file cannot grow, with the WAL as it was.
Status Checkpoint(Connection& connection, int mode) {
  SQLite::Database& database = connection.database();
  const int code = sqlite3_wal_checkpoint_v2(database.getHandle(), nullptr, mode, nullptr, nullptr);
  if (code == SQLITE_OK) return absl::OkStatus();
  return Annotate(ToStatus(SQLite::Exception(database.getHandle(), code)), "checkpoint");
}

}  // namespace

Status Checkpoints::AfterCommit() {
  const std::int64_t now = connection_.wal_pages();
  if (now < seen_) seen_ = 0;
  if (now - seen_ < pages_) return absl::OkStatus();
  seen_ = now;
  const bool too_long = now >= kTooLong * pages_;
  if (too_long) connection_.Wait(kReadersLeave);
  Status status = Checkpoint(connection_, too_long ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE);
  if (too_long) connection_.Wait({});
  return absl::IsInternal(status) ? status : absl::OkStatus();
}

Status Checkpoints::Finish() {
  Status status = Checkpoint(connection_, SQLITE_CHECKPOINT_TRUNCATE);
  if (absl::IsUnavailable(status)) {
    return Unavailable(
        "another program is still reading it, so results.db-wal holds part of the data; keep the two "
        "together");
  }
  return status;
}

}  // namespace lorikeet::store
