#include "tests/bench/load/fleet.h"

#include <sys/resource.h>

#include <cmath>

#include "absl/time/time.h"
#include "common/rpc/channel.h"
#include "tests/bench/load/measure.h"

namespace lorikeet::load {
namespace {

constexpr double kMostWelcomeSeconds = 60;
constexpr auto kLook = std::chrono::milliseconds(2);
constexpr double kRenewWakeSeconds = 0.005;
constexpr std::int64_t kSpareFiles = 200;

Status RaiseFileLimit(std::int64_t connections) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return Internal("the limit of open files cannot be read");
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const std::int64_t needed = connections + kSpareFiles;
  if (limit.rlim_max >= static_cast<rlim_t>(needed)) return absl::OkStatus();
  return FailedPrecondition(
      "{} connections need {} open files, and the limit is {} (ulimit -Hn): raise it, or let workers share "
      "by "
      "--streams-per-connection",
      connections, needed, limit.rlim_max);
}

}  // namespace

StatusOr<std::unique_ptr<Fleet>> Fleet::Connect(
    const FleetOptions& options, const std::function<std::unique_ptr<Work>(Tally&)>& make_work) {
  std::unique_ptr<Fleet> fleet(new Fleet);
  RETURN_IF_ERROR(fleet->Open(options, make_work));
  return fleet;
}

Status Fleet::WaitForWelcomes(std::int64_t wanted) {
  ASSIGN_OR_RETURN(const bool welcomed,
                   WaitUntil([&] { return tally_.welcomed >= wanted; }, kMostWelcomeSeconds));
  if (welcomed) return absl::OkStatus();
  return Unavailable("{} of {} workers were welcomed, and no other within {:.0f} s", tally_.welcomed.load(),
                     workers_.size(), kMostWelcomeSeconds);
}

Status Fleet::Open(const FleetOptions& options,
                   const std::function<std::unique_ptr<Work>(Tally&)>& make_work) {
  const std::int64_t connections =
      (options.workers + options.streams_per_connection - 1) / options.streams_per_connection;
  RETURN_IF_ERROR(RaiseFileLimit(connections));
  for (std::int64_t i = 0; i < connections; ++i) {
    ASSIGN_OR_RETURN(std::shared_ptr<grpc::Channel> channel, rpc::OpenChannel(options.address, {}));
    stubs_.push_back(v1::WorkerService::NewStub(channel));
    channels_.push_back(std::move(channel));
  }
  for (std::int64_t i = 0; i < options.workers; ++i) {
    workers_.push_back(std::make_unique<SimulatedWorker>(
        WorkerOptions{.id = fmt::format("load-{}", i), .slots = options.slots, .waits = options.waits},
        make_work(tally_), tally_));
  }
  // The first may have to renew before the last is there.
  renewing_ = std::thread([this] { RenewInTurn(); });
  for (; connected_ < workers_.size(); ++connected_) {
    const auto connected = static_cast<std::int64_t>(connected_);
    RETURN_IF_ERROR(WaitForWelcomes(connected + 1 - options.at_once));
    workers_[connected_]->Connect(*stubs_[static_cast<std::size_t>(connected % connections)], options.token);
  }
  return WaitForWelcomes(options.workers);
}

Fleet::~Fleet() {
  if (!stop_.HasBeenNotified()) stop_.Notify();
  if (renewing_.joinable()) renewing_.join();
  for (std::size_t i = 0; i < connected_; ++i) workers_[i]->Cancel();
  for (std::size_t i = 0; i < connected_; ++i) workers_[i]->WaitForEnd();
}

void Fleet::RenewInTurn() {
  double renewed = 0;  // how many workers' turns are over; a round is all of them
  double last = Now();
  while (!stop_.WaitForNotificationWithTimeout(absl::Seconds(kRenewWakeSeconds))) {
    const double now = Now();
    const auto interval = static_cast<double>(tally_.renew_milliseconds) / 1000;
    if (interval > 0) {
      const double due = renewed + (now - last) / interval * static_cast<double>(workers_.size());
      for (double turn = std::floor(renewed) + 1; turn <= due; ++turn) {
        workers_[static_cast<std::size_t>(turn) % workers_.size()]->Renew();
      }
      renewed = due;
    }
    last = now;
  }
}

void Fleet::Hold() {
  for (const auto& worker : workers_) worker->Hold();
}

void Fleet::Release() {
  for (const auto& worker : workers_) worker->Release();
}

StatusOr<bool> Fleet::WaitUntil(const std::function<bool()>& done, double seconds) {
  const double until = Now() + seconds;
  while (!done()) {
    RETURN_IF_ERROR(tally_.error.Get());
    if (Now() > until) return false;
    std::this_thread::sleep_for(kLook);
  }
  return true;
}

std::vector<double> Fleet::TakeRenewals() {
  std::vector<double> all;
  for (const auto& worker : workers_) {
    const std::vector<double> taken = worker->TakeRenewals();
    all.insert(all.end(), taken.begin(), taken.end());
  }
  return all;
}

std::vector<std::string> Fleet::Finished() {
  std::vector<std::string> all;
  for (const auto& worker : workers_) {
    std::vector<std::string> finished = worker->finished();
    all.insert(all.end(), std::make_move_iterator(finished.begin()), std::make_move_iterator(finished.end()));
  }
  return all;
}

}  // namespace lorikeet::load
