#include "tests/coordinator/store/failing_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <new>
#include <utility>

#include "tests/coordinator/store/failing_locks.h"

namespace lorikeet::store {

struct FailingVfs::Impl {
  FailingDisk& disk;
  std::string name;
  std::map<std::string, FileLocks> locks;
  std::map<std::string, SharedMemory> memory;
  std::int64_t slept = 0;
  sqlite3_vfs vfs = {};
};

namespace {

using Impl = FailingVfs::Impl;
using Outcome = FailingDisk::Outcome;

// Lies in memory of SQLite's, which knows the first member.
struct Handle {
  sqlite3_file base;
  Impl* impl;
  std::string name;
  bool new_journal;  // or WAL, not yet synced
};
Handle& Of(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }
FailingDisk& DiskOf(sqlite3_file* file) { return Of(file).impl->disk; }
Impl& Of(sqlite3_vfs* vfs) { return *static_cast<Impl*>(vfs->pAppData); }

int Code(Outcome outcome, int error) {
  return outcome == Outcome::kDone ? SQLITE_OK : outcome == Outcome::kFull ? SQLITE_FULL : error;
}

int ShmUnmap(sqlite3_file* file, int) {
  auto& memory = Of(file).impl->memory;
  const auto found = memory.find(Of(file).name);
  if (found != memory.end() && !found->second.Leave(file)) memory.erase(found);
  return SQLITE_OK;
}

int Close(sqlite3_file* file) {
  ShmUnmap(file, 0);
  Of(file).impl->locks[Of(file).name].Unlock(file, SQLITE_LOCK_NONE);
  Of(file).~Handle();
  return SQLITE_OK;
}

int Read(sqlite3_file* file, void* to, int size, sqlite3_int64 offset) {
  std::string bytes;
  if (DiskOf(file).Read(Of(file).name, offset, size, bytes) != Outcome::kDone) return SQLITE_IOERR_READ;
  std::memcpy(to, bytes.data(), bytes.size());
  const std::size_t missing = static_cast<std::size_t>(size) - bytes.size();
  if (missing == 0) return SQLITE_OK;
  std::memset(static_cast<char*>(to) + bytes.size(), 0, missing);
  return SQLITE_IOERR_SHORT_READ;
}

int Write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  std::string bytes(static_cast<const char*>(from), static_cast<std::size_t>(size));
  return Code(DiskOf(file).Write(Of(file).name, offset, std::move(bytes)), SQLITE_IOERR_WRITE);
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  return Code(DiskOf(file).Truncate(Of(file).name, size), SQLITE_IOERR_TRUNCATE);
}

// The VFS for Unix syncs the folder with the first sync of a new journal or WAL.
int Sync(sqlite3_file* file, int) {
  const bool names = std::exchange(Of(file).new_journal, false);
  return Code(DiskOf(file).Sync(Of(file).name, names), SQLITE_IOERR_FSYNC);
}

int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  *size = DiskOf(file).SizeOf(Of(file).name);
  return DiskOf(file).powered() ? SQLITE_OK : SQLITE_IOERR_FSTAT;
}

int Lock(sqlite3_file* file, int level) {
  if (!DiskOf(file).powered()) return SQLITE_IOERR_LOCK;
  return Of(file).impl->locks[Of(file).name].Lock(file, level);
}

int Unlock(sqlite3_file* file, int level) {
  Of(file).impl->locks[Of(file).name].Unlock(file, level);
  return SQLITE_OK;
}

int CheckReservedLock(sqlite3_file* file, int* reserved) {
  *reserved = Of(file).impl->locks[Of(file).name].Reserved() ? 1 : 0;
  return SQLITE_OK;
}

int FileControl(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }

// As the VFS for Unix says of its own: a write changes no byte beside it.
int SectorSize(sqlite3_file*) { return 4096; }
int DeviceCharacteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int ShmMap(sqlite3_file* file, int index, int size, int make, void volatile** piece) {
  SharedMemory& memory = Of(file).impl->memory[Of(file).name];
  memory.Join(file);
  *piece = nullptr;
  if (make != 0 && !memory.Has(index) && DiskOf(file).Map(Of(file).name) != Outcome::kDone) {
    return SQLITE_IOERR_SHMMAP;
  }
  if (!DiskOf(file).powered()) return SQLITE_IOERR_SHMMAP;
  *piece = memory.Piece(index, size, make != 0);
  return SQLITE_OK;
}

int ShmLock(sqlite3_file* file, int first, int count, int flags) {
  const bool unlock = (flags & SQLITE_SHM_UNLOCK) != 0;
  if (!unlock && !DiskOf(file).powered()) return SQLITE_IOERR_SHMLOCK;
  return Of(file).impl->memory[Of(file).name].Lock(file, first, count, flags);
}

void ShmBarrier(sqlite3_file*) {}

const sqlite3_io_methods kMethods = {.iVersion = 2,
                                     .xClose = Close,
                                     .xRead = Read,
                                     .xWrite = Write,
                                     .xTruncate = Truncate,
                                     .xSync = Sync,
                                     .xFileSize = FileSize,
                                     .xLock = Lock,
                                     .xUnlock = Unlock,
                                     .xCheckReservedLock = CheckReservedLock,
                                     .xFileControl = FileControl,
                                     .xSectorSize = SectorSize,
                                     .xDeviceCharacteristics = DeviceCharacteristics,
                                     .xShmMap = ShmMap,
                                     .xShmLock = ShmLock,
                                     .xShmBarrier = ShmBarrier,
                                     .xShmUnmap = ShmUnmap,
                                     .xFetch = nullptr,
                                     .xUnfetch = nullptr};

int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  file->pMethods = nullptr;
  if (name == nullptr) return SQLITE_CANTOPEN;  // a temporary file
  const bool create = (flags & SQLITE_OPEN_CREATE) != 0;
  const bool journal = create && (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)) != 0;
  if (Of(vfs).disk.Open(name, create) != Outcome::kDone) return SQLITE_CANTOPEN;
  new (file) Handle{.base = {.pMethods = &kMethods}, .impl = &Of(vfs), .name = name, .new_journal = journal};
  if (flags_out != nullptr) *flags_out = flags;
  return SQLITE_OK;
}

int Delete(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  if (!Of(vfs).disk.Exists(name)) return SQLITE_IOERR_DELETE_NOENT;
  return Code(Of(vfs).disk.Delete(name, sync_folder != 0), SQLITE_IOERR_DELETE);
}

int Access(sqlite3_vfs* vfs, const char* name, int, int* answer) {
  *answer = Of(vfs).disk.Exists(name) ? 1 : 0;
  return Of(vfs).disk.powered() ? SQLITE_OK : SQLITE_IOERR_ACCESS;
}

int FullPathname(sqlite3_vfs*, const char* name, int size, char* path) {
  sqlite3_snprintf(size, path, "%s", name);
  return SQLITE_OK;
}

int Randomness(sqlite3_vfs* vfs, int size, char* bytes) {
  std::generate_n(bytes, size, [&] { return static_cast<char>(Of(vfs).disk.dice()()); });
  return size;
}

int Sleep(sqlite3_vfs* vfs, int microseconds) {
  Of(vfs).slept += microseconds;
  return microseconds;
}

int CurrentTimeInt64(sqlite3_vfs*, sqlite3_int64* milliseconds) {
  *milliseconds = 211'845'067'200'000;  // of Julian days: the year 2001 or so
  return SQLITE_OK;
}

int CurrentTime(sqlite3_vfs* vfs, double* days) {
  sqlite3_int64 milliseconds = 0;
  CurrentTimeInt64(vfs, &milliseconds);
  *days = static_cast<double>(milliseconds) / 86'400'000.0;
  return SQLITE_OK;
}

int GetLastError(sqlite3_vfs*, int, char*) { return 0; }

}  // namespace

FailingVfs::FailingVfs(FailingDisk& disk, std::string name)
    : impl_(new Impl{.disk = disk, .name = std::move(name), .locks = {}, .memory = {}}) {
  sqlite3_vfs& vfs = impl_->vfs;
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(Handle);
  vfs.mxPathname = 1024;
  vfs.zName = impl_->name.c_str();
  vfs.pAppData = impl_.get();
  vfs.xOpen = Open;
  vfs.xDelete = Delete;
  vfs.xAccess = Access;
  vfs.xFullPathname = FullPathname;
  vfs.xRandomness = Randomness;
  vfs.xSleep = Sleep;
  vfs.xCurrentTime = CurrentTime;
  vfs.xGetLastError = GetLastError;
  vfs.xCurrentTimeInt64 = CurrentTimeInt64;
  sqlite3_vfs_register(&vfs, /*makeDflt=*/0);
}

FailingVfs::~FailingVfs() { sqlite3_vfs_unregister(&impl_->vfs); }

const std::string& FailingVfs::name() const { return impl_->name; }
std::int64_t FailingVfs::slept() const { return impl_->slept; }

}  // namespace lorikeet::store
