#include "sweeps/report/backup.h"

#include <SQLiteCpp/Backup.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "common/files.h"
#include "sweeps/report/check.h"
#include "sweeps/report/database.h"

namespace lorikeet::report {
namespace {

constexpr int kPagesAStep = 1024;

// Gone with the object unless it was kept.
class Unfinished {
 public:
  explicit Unfinished(std::string path) : path_(std::move(path)) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    std::error_code ignored;
    for (const char* suffix : {"", "-journal", "-wal", "-shm"})
      std::filesystem::remove(path_ + suffix, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

void Copy(SQLite::Database& source, const std::string& to, const BackupProgress& progress) {
  SQLite::Database copy(to, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  copy.exec("PRAGMA synchronous = FULL");
  {
    SQLite::Backup backup(copy, source);
    while (backup.executeStep(kPagesAStep) != SQLITE_DONE) {
      const std::int64_t all = backup.getTotalPageCount();
      progress(all - backup.getRemainingPageCount(), all);
    }
  }
  // One file, without a WAL beside it: it may lie on a medium that cannot be written.
  copy.exec("PRAGMA journal_mode = DELETE");
}

}  // namespace

StatusOr<std::int64_t> BackUp(const std::string& from, const std::string& to,
                              const BackupProgress& progress) {
  std::error_code error;
  if (std::filesystem::exists(to, error)) {
    return MakeStatus(absl::StatusCode::kAlreadyExists, "{}: is there already; name another file", to);
  }
  const Unfinished unfinished(to + ".tmp-" + std::to_string(getpid()));
  RETURN_IF_ERROR(Guarded(from, [&]() -> Status {
    const auto source = OpenReadOnly(from);
    // Held open, so that what is written meanwhile does not make the copy begin anew.
    const SQLite::Transaction snapshot(*source);
    source->execAndGet("SELECT count(*) FROM sqlite_master");
    Copy(*source, unfinished.path(), progress);
    return absl::OkStatus();
  }));
  ASSIGN_OR_RETURN(const std::vector<std::string> wrong, CheckIntegrity(unfinished.path()));
  if (!wrong.empty()) return Internal("{}: is damaged, and so is the copy: {}", from, wrong.front());
  const auto size = static_cast<std::int64_t>(std::filesystem::file_size(unfinished.path(), error));
  if (link(unfinished.path().c_str(), to.c_str()) != 0) {  // unlike rename, replaces nothing
    return Internal("{}: {}", to, std::strerror(errno));
  }
  const std::string folder = std::filesystem::path(to).parent_path().string();
  RETURN_IF_ERROR(SyncFolder(folder.empty() ? "." : folder));
  return size;
}

}  // namespace lorikeet::report
