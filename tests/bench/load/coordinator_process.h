// The program under load: sweep-coordinator as a child process over a data folder.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "common/status.h"
#include "common/subprocess.h"

namespace lorikeet::load {

// Not thread-safe. The destructor kills it.
class CoordinatorProcess {
 public:
  // Starts `program` over `folder`/data on a free port of loopback, and returns once it has written that port
  // down: Unavailable, with the end of its log, where it ends or two minutes pass first. A folder that was
  // served before is gone on with. `lease_seconds`: of an attempt; workers renew six times a lease.
  static StatusOr<std::unique_ptr<CoordinatorProcess>> Start(const std::string& program,
                                                             const std::string& folder,
                                                             std::int64_t lease_seconds);

  const std::string& address() const { return address_; }
  const std::string& token() const { return token_; }
  std::string database() const { return folder_ + "/data/results.db"; }
  pid_t pid() const { return process_->pid(); }
  double CpuSeconds() const;
  StatusOr<std::int64_t> ResidentBytes() const;
  // SIGKILL: what it acknowledged must be in the database all the same.
  void Kill();

 private:
  explicit CoordinatorProcess(std::string folder) : folder_(std::move(folder)) {}

  const std::string folder_;
  std::string address_, token_;
  std::unique_ptr<Subprocess> process_;
};

}  // namespace lorikeet::load
