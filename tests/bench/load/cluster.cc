#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "tests/bench/load/rows.h"

namespace lorikeet::load {

StatusOr<std::unique_ptr<Cluster>> Cluster::Start(const LoadOptions& options) {
  std::unique_ptr<Cluster> cluster(new Cluster(options));
  cluster->folder_ = options.scratch + "/load-XXXXXX";
  if (mkdtemp(cluster->folder_.data()) == nullptr) {
    const int error = errno;
    cluster->folder_.clear();
    return InvalidArgument("--scratch {}: {}; name a folder that can be written", options.scratch,
                           std::strerror(error));
  }
  RETURN_IF_ERROR(cluster->Open());
  return cluster;
}

Status Cluster::Open() {
  ASSIGN_OR_RETURN(coordinator_,
                   CoordinatorProcess::Start(options_.coordinator, folder_, options_.lease_seconds));
  ASSIGN_OR_RETURN(client_, Client::Open(coordinator_->address(), coordinator_->token()));
  return absl::OkStatus();
}

Cluster::~Cluster() {
  coordinator_.reset();
  std::error_code ignored;
  if (!folder_.empty() && !options_.keep) std::filesystem::remove_all(folder_, ignored);
}

Status Cluster::Restart() {
  coordinator_->Kill();
  return Open();
}

StatusOr<std::unique_ptr<Fleet>> Cluster::Connect(
    std::int64_t workers, bool waits, const std::function<std::unique_ptr<Work>(Tally&)>& make_work) const {
  return Fleet::Connect({.address = coordinator_->address(),
                         .token = coordinator_->token(),
                         .workers = workers,
                         .slots = options_.slots,
                         .streams_per_connection = options_.streams_per_connection,
                         .waits = waits},
                        make_work);
}

}  // namespace lorikeet::load
