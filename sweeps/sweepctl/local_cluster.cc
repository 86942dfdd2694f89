#include "sweeps/sweepctl/local_cluster.h"

#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>
#include <tuple>

#include "common/files.h"
#include "common/rpc/token.h"
#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {
namespace {

constexpr auto kCoordinatorStartsWithin = std::chrono::seconds(60);  // it reads its whole state first
constexpr auto kEndsWithin = std::chrono::seconds(60);  // a worker's trainers write checkpoints first
constexpr auto kLookEvery = std::chrono::milliseconds(20);
constexpr int kLogLinesShown = 5;

// The last lines of a child's log, indented.
std::string EndOfLog(const std::string& file) {
  const StatusOr<std::string> text = ReadFile(file);
  if (!text.ok()) return "";
  std::size_t begin = text->size();
  for (int lines = 0; begin > 0; --begin) {
    if ((*text)[begin - 1] == '\n' && begin < text->size() && ++lines == kLogLinesShown) break;
  }
  std::string out;
  for (std::size_t i = begin; i < text->size();) {
    const std::size_t end = std::min(text->find('\n', i), text->size());
    out += "\n  " + Printable(text->substr(i, end - i));
    i = end + 1;
  }
  return out;
}

Status MakeFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return absl::OkStatus();
  return InvalidArgument("--data: {}: cannot make this folder: {}", folder, error.message());
}

}  // namespace

std::int64_t CountGpus() {
  std::int64_t gpus = 0;
  std::error_code error;
  while (std::filesystem::exists("/dev/nvidia" + std::to_string(gpus), error)) ++gpus;
  return gpus;
}

StatusOr<std::vector<WorkerShare>> SplitMachine(std::int64_t workers, std::int64_t gpus,
                                                std::int64_t threads) {
  std::vector<WorkerShare> shares(static_cast<std::size_t>(workers));
  if (gpus == 0) {
    for (WorkerShare& share : shares) share.threads = std::max<std::int64_t>(1, threads / workers);
    return shares;
  }
  if (workers == 1) return shares;
  if (workers > gpus)
    return InvalidArgument("--workers {}: this machine has {} GPUs; at most that many", workers, gpus);
  for (std::int64_t gpu = 0; gpu < gpus; ++gpu) {
    WorkerShare& share = shares[static_cast<std::size_t>(gpu % workers)];
    share.devices =
        share.devices == "auto" ? fmt::format("cuda:{}", gpu) : fmt::format("{},{}", share.devices, gpu);
  }
  return shares;
}

namespace {

using FileIdentity = std::tuple<ino_t, std::int64_t, std::int64_t>;

// Changes when the file is written anew; nothing where there is none.
std::optional<FileIdentity> IdentityOf(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  return FileIdentity(info.st_ino, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

}  // namespace

StatusOr<std::unique_ptr<LocalCluster>> LocalCluster::Start(const LocalClusterOptions& options) {
  RETURN_IF_ERROR(MakeFolder(options.data));
  RETURN_IF_ERROR(MakeFolder(options.data + "/logs"));
  std::unique_ptr<LocalCluster> cluster(new LocalCluster(options));
  RETURN_IF_ERROR(cluster->StartCoordinator());
  return cluster;
}

LocalCluster::~LocalCluster() = default;  // kills what still runs

std::string LocalCluster::token_file() const { return options_.data + "/token"; }

std::string LocalCluster::PortFile() const { return options_.data + "/coordinator.address"; }

Status LocalCluster::StartChild(const std::string& name, std::vector<std::string> command) {
  Child child{.name = name, .log = options_.data + "/logs/" + name + ".log", .process = nullptr};
  SubprocessOptions options;
  options.command = std::move(command);
  options.output_file = child.log;
  options.error_file = child.log;
  ASSIGN_OR_RETURN(child.process, Subprocess::Start(options));
  children_.push_back(std::move(child));
  return absl::OkStatus();
}

Status LocalCluster::StartCoordinator() {
  const std::string port_file = PortFile();
  const std::optional<FileIdentity> old =
      IdentityOf(port_file);  // of a run that was killed, or that is at work
  // Its own token file keeps the user's folder of tokens free of ports that nobody will use again.
  RETURN_IF_ERROR(rpc::ReadOrMakeToken(token_file()).status());
  RETURN_IF_ERROR(StartChild("coordinator", {options_.programs + "/sweep-coordinator", "--data",
                                             options_.data, "--listen", "127.0.0.1:0", "--http", "off",
                                             "--port-file", port_file, "--token-file", token_file()}));
  const auto deadline = std::chrono::steady_clock::now() + kCoordinatorStartsWithin;
  for (;;) {
    RETURN_IF_ERROR(Check());
    const StatusOr<std::string> address = ReadFile(port_file);
    if (address.ok() && IdentityOf(port_file) != old) {
      address_ = address->substr(0, address->find('\n'));
      return absl::OkStatus();
    }
    if (options_.give_up()) return Aborted("interrupted");
    if (std::chrono::steady_clock::now() > deadline) {
      return Internal("the local coordinator does not answer; its log: {}{}", children_[0].log,
                      EndOfLog(children_[0].log));
    }
    std::this_thread::sleep_for(kLookEvery);
  }
}

Status LocalCluster::StartWorkers(const std::vector<WorkerShare>& shares, const Labels& labels) {
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    const std::string folder = options_.data + "/workers/" + number;
    RETURN_IF_ERROR(MakeFolder(folder));
    std::vector<std::string> command = {options_.programs + "/sweep-worker",
                                        "--coordinator",
                                        address_,
                                        "--token-file",
                                        token_file(),
                                        "--dir",
                                        folder,
                                        "--devices",
                                        shares[i].devices};
    if (shares[i].threads > 0) {
      command.emplace_back("--threads");
      command.push_back(std::to_string(shares[i].threads));
    }
    for (const auto& [key, value] : labels) {
      command.emplace_back("--label");
      command.push_back(fmt::format("{}={}", key, value));
    }
    RETURN_IF_ERROR(StartChild("worker-" + number, std::move(command)));
  }
  return absl::OkStatus();
}

Status LocalCluster::Failure(const Child& child, const Exit& exit) const {
  const std::string what = fmt::format("the local {} ended ({}); its log: {}{}", child.name, Describe(exit),
                                       child.log, EndOfLog(child.log));
  // 2 is what the user can mend: a folder that another coordinator holds, a database of a newer version.
  return exit.signal == 0 && exit.code == 2 ? FailedPrecondition("{}", what) : Internal("{}", what);
}

Status LocalCluster::Check() {
  for (Child& child : children_) {
    if (child.process == nullptr) continue;
    if (const std::optional<Exit> exit = child.process->Poll()) return Failure(child, *exit);
  }
  return absl::OkStatus();
}

Status LocalCluster::End(Child& child) {
  const auto deadline = std::chrono::steady_clock::now() + kEndsWithin;
  for (;;) {
    if (const std::optional<Exit> exit = child.process->Wait(kLookEvery)) {
      return exit->ok() ? absl::OkStatus() : Failure(child, *exit);
    }
    if (options_.give_up()) return Aborted("interrupted: the local {} was killed", child.name);
    if (std::chrono::steady_clock::now() > deadline) {
      return Internal("the local {} did not end and was killed; its log: {}", child.name, child.log);
    }
  }
}

void LocalCluster::ForgetTrials(const std::vector<std::string>& ids) const {
  std::error_code ignored;
  for (const auto& worker : std::filesystem::directory_iterator(options_.data + "/workers", ignored)) {
    for (const std::string& id : ids) std::filesystem::remove_all(worker.path() / "trials" / id, ignored);
  }
}

Status LocalCluster::Stop() {
  Status outcome;
  const auto end = [&](Child& child) {
    if (child.process == nullptr) return;
    outcome.Update(End(child));
    child.process.reset();
  };
  // Without a coordinator there is nobody to hand anything back to: asked twice, workers end at once.
  const bool alone = !children_.empty() && (children_[0].process == nullptr || children_[0].process->Poll());
  for (int times = alone ? 2 : 1; times > 0; --times) {
    for (std::size_t i = 1; i < children_.size(); ++i) {
      if (children_[i].process != nullptr) children_[i].process->Signal(SIGTERM);
    }
    if (times > 1) std::this_thread::sleep_for(kLookEvery);  // two signals at once are one
  }
  for (std::size_t i = 1; i < children_.size(); ++i) end(children_[i]);
  if (!children_.empty() && children_[0].process != nullptr) {
    children_[0].process->Signal(SIGTERM);
    end(children_[0]);
  }
  std::error_code ignored;
  if (!address_.empty()) std::filesystem::remove(PortFile(), ignored);  // else it is another run's
  return outcome;
}

}  // namespace lorikeet::sweepctl
