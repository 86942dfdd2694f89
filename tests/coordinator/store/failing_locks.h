// The locks that a VFS gives: those of a database file, and those of the memory that WAL connections share.
//
// An owner is a connection's open file. Not thread-safe.
#pragma once

#include <sqlite3.h>

#include <map>
#include <memory>
#include <vector>

namespace lorikeet::store {

class FileLocks {
 public:
  int Lock(const void* owner, int level) {
    int& own = levels_[owner];
    if (own >= level) return SQLITE_OK;
    const int others = Highest(owner);
    if (level == SQLITE_LOCK_SHARED && others >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
    if (level > SQLITE_LOCK_SHARED && others >= SQLITE_LOCK_RESERVED) return SQLITE_BUSY;
    if (level == SQLITE_LOCK_EXCLUSIVE && others >= SQLITE_LOCK_SHARED) {
      own = SQLITE_LOCK_PENDING;  // no new readers
      return SQLITE_BUSY;
    }
    own = level;
    return SQLITE_OK;
  }
  void Unlock(const void* owner, int level) {
    if (level == SQLITE_LOCK_NONE) {
      levels_.erase(owner);
    } else if (int& own = levels_[owner]; own > level) {
      own = level;
    }
  }
  bool Reserved() const { return Highest(nullptr) >= SQLITE_LOCK_RESERVED; }

 private:
  int Highest(const void* but) const {
    int highest = SQLITE_LOCK_NONE;
    for (const auto& [owner, level] : levels_) {
      if (owner != but && level > highest) highest = level;
    }
    return highest;
  }
  std::map<const void*, int> levels_;
};

class SharedMemory {
 public:
  // Null where there are fewer pieces and none is to be made.
  void* Piece(int index, int size, bool make) {
    while (make && static_cast<int>(pieces_.size()) <= index) {
      pieces_.push_back(std::make_unique<char[]>(static_cast<std::size_t>(size)));
    }
    return Has(index) ? pieces_[static_cast<std::size_t>(index)].get() : nullptr;
  }
  bool Has(int index) const { return index < static_cast<int>(pieces_.size()); }

  void Join(const void* owner) { held_[owner]; }
  // Whether anybody is left.
  bool Leave(const void* owner) {
    held_.erase(owner);
    return !held_.empty();
  }
  // As xShmLock: `count` locks from `first` on, SHARED or EXCLUSIVE, LOCK or UNLOCK.
  int Lock(const void* owner, int first, int count, int flags) {
    const unsigned mask = ((1u << count) - 1) << first;
    const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    Held& own = held_[owner];
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
      own.shared &= ~mask;
      own.exclusive &= ~mask;
      return SQLITE_OK;
    }
    for (const auto& [other, held] : held_) {
      if (other == owner) continue;
      if ((held.exclusive & mask) != 0 || (exclusive && (held.shared & mask) != 0)) return SQLITE_BUSY;
    }
    (exclusive ? own.exclusive : own.shared) |= mask;
    return SQLITE_OK;
  }

 private:
  struct Held {
    unsigned shared = 0, exclusive = 0;
  };
  std::vector<std::unique_ptr<char[]>> pieces_;
  std::map<const void*, Held> held_;
};

}  // namespace lorikeet::store
