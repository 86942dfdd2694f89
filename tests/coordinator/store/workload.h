// A store on a disk that fails, and the writes of a coordinator's life for it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/coordinator/store/failing_vfs.h"
#include "tests/coordinator/store/fixture.h"

namespace lorikeet::store {

// One transaction each; each needs those before it.
using Workload = std::vector<std::function<Status(Transaction&)>>;

// A sweep with `trials` trials: granted, reported, one of two finished, one of two lost, as the coordinator
// does it, several requests in one transaction, refused ones among them. Of a finished one `documents`
// documents, with summaries of `bytes` bytes.
Workload MakeWorkload(int trials, int documents, std::size_t bytes);

// At which of the requests that make a database faults are tried: each try makes it, and every version of the
// schema adds to that. Some from a first that is drawn, and said; FAULTS_FROM=N begins there, FAULTS_EVERY=1
// tries all.
struct Moments {
  std::int64_t from = 1, every = 1;
};
Moments MomentsWhileMade();

// One at a time.
class Machine {
 public:
  // Checkpoints every `checkpoint_pages` pages. Begins with the files of `disk`.
  Machine(std::uint64_t seed, std::int64_t checkpoint_pages, const FailingDisk::Files& files = {});

  FailingDisk disk;

  StatusOr<std::unique_ptr<Store>> Open();
  // "" where integrity_check and foreign_key_check find nothing. Some store has the database open.
  std::string Damage() const;
  // Every row of every table.
  std::string Rows() const;
  std::string database() const { return folder_.database(); }
  const FailingVfs& vfs() const { return vfs_; }

 private:
  const Folder&
      folder_;  // of the lock alone; the same for all, since making it thousands of times takes long
  FailingVfs vfs_;
  std::int64_t checkpoint_pages_;
};

// What the disk holds without a fault: `rows[i]` after the first `i` writes. `files`: a database without a
// write, closed.
struct Reference {
  Workload workload;
  std::int64_t checkpoint_pages;
  FailingDisk::Files files;
  std::vector<std::string> rows;
};
Reference MakeReference(Workload workload, std::int64_t checkpoint_pages);

}  // namespace lorikeet::store
