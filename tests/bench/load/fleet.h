// Many simulated workers against one coordinator.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "common/status.h"
#include "tests/bench/load/simulated_worker.h"
#include "tests/bench/load/tally.h"

namespace lorikeet::load {

struct FleetOptions {
  std::string address, token;
  std::int64_t workers = 8;
  std::int64_t slots = 1;                   // of each
  std::int64_t streams_per_connection = 1;  // workers that share an HTTP/2 connection
  bool waits = false;                       // grants are kept until Release
  std::int64_t at_once = 128;               // so many are not welcomed yet at any time
};

// One thread of its own renews the leases, each worker's in its turn, spread over the interval that Welcome
// names; all else happens on gRPC's. Its functions are called from one thread.
class Fleet {
 public:
  // Connects them all, a few at a time; Unavailable where one waits a minute for its Welcome.
  static StatusOr<std::unique_ptr<Fleet>> Connect(
      const FleetOptions& options, const std::function<std::unique_ptr<Work>(Tally&)>& make_work);
  // Ends the streams.
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  Tally& tally() { return tally_; }
  // Grants are kept until Release.
  void Hold();
  void Release();
  // Until `done`, at most so long: whether it came to that. The error of a stream that broke, where one did.
  StatusOr<bool> WaitUntil(const std::function<bool()>& done, double seconds);
  // Seconds from each Renew to its Renewed since the last call.
  std::vector<double> TakeRenewals();
  // The trials whose result was acknowledged, in no order.
  std::vector<std::string> Finished();

 private:
  Fleet() = default;
  Status Open(const FleetOptions& options, const std::function<std::unique_ptr<Work>(Tally&)>& make_work);
  // Until so many are welcomed; Unavailable where that takes too long.
  Status WaitForWelcomes(std::int64_t wanted);
  void RenewInTurn();

  Tally tally_;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::vector<std::unique_ptr<v1::WorkerService::Stub>> stubs_;
  std::vector<std::unique_ptr<SimulatedWorker>> workers_;
  std::size_t connected_ = 0;  // of them, the first
  absl::Notification stop_;
  std::thread renewing_;
};

}  // namespace lorikeet::load
