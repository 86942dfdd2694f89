// A disk in memory that fails as disks do. FailingVfs puts SQLite on it.
//
// It keeps two states of each file: what programs read, and what a power cut leaves. A sync brings the second
// up to the first. When the power comes back a file has what was synced and, by the seed, any part of what
// was written since, in any order: whole writes or single sectors of 512 bytes. The name of a new file is
// safe with its first sync, as on the usual filesystems; until its folder is synced a deleted file may come
// back.
// Nothing depends on time or addresses: the same seed, plan and requests give the same disk. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace lorikeet::store {

enum class Operation { kOpen, kRead, kWrite, kSync, kTruncate, kDelete, kMap };
// All that reach the disk; kMap makes a piece of the memory that connections share.
inline constexpr std::initializer_list<Operation> kChanges = {Operation::kWrite, Operation::kSync,
                                                              Operation::kTruncate, Operation::kDelete};

enum class Fault {
  kNone,
  // EIO, and nothing of it happens. A sync: what was written since the last one is on the disk in parts, the
  // rest never gets there, and programs go on reading it; the next sync succeeds, as Linux has it.
  kError,
  kShort,     // a write: some of its first bytes are written, then EIO. Others: kError
  kFull,      // a write: some of its first bytes are written, then no room. Others: as if nothing was wrong
  kLost,      // a sync: success is reported, and nothing done. Others: as if nothing was wrong
  kPowerCut,  // it is done, and the power goes before anybody hears of it
};

struct Request {
  Operation operation;
  const std::string& file;  // its path; of kMap the database's
};
// Asked at every request while there is power.
using Plan = std::function<Fault(const Request&)>;

// `fault` at the `at`-th (from 1) request for one of `operations`, and at the `times` - 1 after it.
Plan FaultAt(Fault fault, std::vector<Operation> operations, std::int64_t at, std::int64_t times = 1);

class FailingDisk {
 public:
  struct Change {
    enum class Kind { kCreate, kWrite, kTruncate, kDelete } kind;
    std::int64_t offset = 0;  // of a kWrite; the size that a kTruncate leaves
    std::string bytes = {};
  };
  struct Content {
    bool exists = false;
    std::string bytes = {};
  };
  struct File {
    Content now;                  // what programs see
    Content kept;                 // what is safe
    std::vector<Change> pending;  // what leads from one to the other
  };
  using Files = std::map<std::string, File>;
  enum class Outcome { kDone, kError, kFull };

  explicit FailingDisk(std::uint64_t seed) : dice_(seed) {}
  FailingDisk(const FailingDisk&) = delete;
  FailingDisk& operator=(const FailingDisk&) = delete;

  // From the next request on; an empty plan: nothing fails.
  void Follow(Plan plan) { plan_ = std::move(plan); }
  // How often the plan gave something other than kNone.
  std::int64_t faults() const { return faults_; }
  // How many requests there were.
  std::int64_t count(Operation operation) const;
  // Of kChanges, those since the first fault of this plan or any other.
  std::int64_t changes_since_fault() const { return changes_since_fault_; }

  void CutPower() { powered_ = false; }
  bool powered() const { return powered_; }
  // Only while no file is open. Without a cut before it, nothing is lost.
  void PowerOn();

  // All of it, to begin again from there with another plan and seed.
  const Files& files() const { return files_; }
  void SetFiles(Files files) { files_ = std::move(files); }
  bool Exists(const std::string& name) const;
  // 0 where there is no such file.
  std::int64_t SizeOf(const std::string& name) const;

  // What FailingVfs asks for.
  Outcome Open(const std::string& name,
               bool create);  // kError too where there is none and none is to be made
  Outcome Read(const std::string& name, std::int64_t offset, std::int64_t size, std::string& bytes);
  Outcome Write(const std::string& name, std::int64_t offset, std::string bytes);
  // `names` too: those made and deleted in its folder.
  Outcome Sync(const std::string& name, bool names = false);
  Outcome SyncFolder(const std::string& folder);  // an Operation::kSync
  Outcome Truncate(const std::string& name, std::int64_t size);
  Outcome Delete(const std::string& name, bool sync_folder);
  Outcome Map(const std::string& name);

  std::mt19937_64& dice() { return dice_; }

 private:
  Fault Ask(Operation operation, const std::string& file);
  void Do(File& file, Change change);
  Outcome End(Fault fault);
  void KeepSome(File& file, int how);
  void KeepNames(const std::string& folder);
  std::int64_t Below(std::int64_t end) {
    return static_cast<std::int64_t>(dice_() % static_cast<std::uint64_t>(end));
  }

  std::mt19937_64 dice_;
  Plan plan_;
  Files files_;
  std::map<Operation, std::int64_t> counts_;
  std::int64_t faults_ = 0, changes_since_fault_ = 0;
  bool powered_ = true;
};

}  // namespace lorikeet::store
