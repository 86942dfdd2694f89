// SQLite as the store uses it: prepared statements kept, values bound by type, errors turned into statuses.
//
// Throws SQLite::Exception; callers inside coordinator/store catch it with ToStatus. Not thread-safe.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/clock.h"
#include "common/status.h"

namespace lorikeet::store {

// Broken constraints become AlreadyExists (a key twice), NotFound (a reference to nothing) or
// InvalidArgument; a busy file Unavailable; a full disk ResourceExhausted; everything else, I/O errors and
// damage above all, Internal.
Status ToStatus(const SQLite::Exception& error);

// An empty string that means "none": stored as NULL.
struct NullIfEmpty {
  const std::string& text;
};

inline void Bind(SQLite::Statement& statement, int index, std::int64_t value) {
  statement.bind(index, value);
}
inline void Bind(SQLite::Statement& statement, int index, bool value) {
  statement.bind(index, value ? 1 : 0);
}
// NaN becomes NULL (SQLite knows no NaN).
inline void Bind(SQLite::Statement& statement, int index, double value) { statement.bind(index, value); }
// Not copied: the text outlives the statement's run, which ends before Connection::Run or its Rows do.
inline void Bind(SQLite::Statement& statement, int index, const std::string& value) {
  statement.bindNoCopy(index, value);
}
inline void Bind(SQLite::Statement& statement, int index, NullIfEmpty value) {
  if (!value.text.empty()) statement.bindNoCopy(index, value.text);
}
// Bytes, stored as a BLOB; not copied either.
struct Bytes {
  const std::string& bytes;
};
inline void Bind(SQLite::Statement& statement, int index, Bytes value) {
  statement.bindNoCopy(index, value.bytes.data(), static_cast<int>(value.bytes.size()));
}
inline void Bind(SQLite::Statement& statement, int index, WallTime value) {
  statement.bind(index, FormatTime(value));
}
void Bind(SQLite::Statement& statement, int index, const char* value) = delete;  // would be taken for a bool
template <typename T>
void Bind(SQLite::Statement& statement, int index, const std::optional<T>& value) {
  if (value) Bind(statement, index, *value);
}

// The rows of a running query; gives the statement back to the cache when it goes. The texts bound must
// outlive it.
class Rows {
 public:
  explicit Rows(SQLite::Statement& statement) : statement_(statement) {}
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  ~Rows() { statement_.tryReset(); }

  bool Next() { return statement_.executeStep(); }
  SQLite::Column operator[](int column) { return statement_.getColumn(column); }
  std::int64_t Int(int column) { return statement_.getColumn(column).getInt64(); }
  std::string Text(int column) { return statement_.getColumn(column).getString(); }  // NULL: ""
  bool Null(int column) { return statement_.getColumn(column).isNull(); }

 private:
  SQLite::Statement& statement_;
};

class Connection {
 public:
  // Checkpoints nothing by itself, closing included: SQLite tells nobody when one of those fails.
  Connection(const std::string& path, int flags, std::chrono::milliseconds wait, const std::string& vfs);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  SQLite::Database& database() { return database_; }
  // Pages in the WAL when the last transaction had committed; 0 before the first.
  std::int64_t wal_pages() const { return wal_pages_; }
  // How long a statement waits for other programs' locks from here on.
  void Wait(std::chrono::milliseconds wait) { database_.setBusyTimeout(static_cast<int>(wait.count())); }
  // Lets closing checkpoint what is left and remove the WAL's files. Where they are empty already, no more
  // than the second happens.
  void RemoveWalOnClose();

  // Runs a statement that returns no rows; how many rows it changed.
  template <typename... Args>
  std::int64_t Run(const char* sql, const Args&... args) {
    Rows rows(Prepare(sql, args...));
    rows.Next();
    return database_.getChanges();
  }
  // `sql` is a literal: statements are kept by its text, and a statement's Rows must be gone before its next
  // use.
  template <typename... Args>
  SQLite::Statement& Prepare(const char* sql, const Args&... args) {
    auto found = statements_.find(sql);
    if (found == statements_.end()) {
      found = statements_.emplace(sql, SQLite::Statement(database_, sql)).first;
    }
    SQLite::Statement& statement = found->second;
    statement.tryReset();
    statement.clearBindings();
    int index = 0;
    (Bind(statement, ++index, args), ...);
    return statement;
  }

 private:
  SQLite::Database database_;
  std::int64_t wal_pages_ = 0;
  std::unordered_map<std::string_view, SQLite::Statement> statements_;  // gone before database_
};

}  // namespace lorikeet::store
