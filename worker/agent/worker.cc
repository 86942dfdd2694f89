#include "worker/agent/worker.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "common/build_info.h"
#include "common/host_name.h"
#include "common/logging.h"
#include "common/rpc/channel.h"
#include "common/rpc/token.h"
#include "worker/agent/data_roots.h"

namespace lorikeet::agent {
namespace {

constexpr std::chrono::milliseconds kTick{250};
constexpr std::chrono::seconds kCloseTimeout{2};
constexpr const char* kDefaultCoordinator = "127.0.0.1:7070";

std::string CoordinatorAddress(const std::string& flag) {
  if (!flag.empty()) return flag;
  const char* named = std::getenv("LORIKEET_COORDINATOR");
  return named != nullptr && *named != '\0' ? named : kDefaultCoordinator;
}

StatusOr<std::string> TrainerPath(const std::string& flag) {
  std::string path = flag;
  if (path.empty()) {
    std::error_code error;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
    path = (self.parent_path() / "sweep-trainer").string();
  }
  if (access(path.c_str(), X_OK) != 0) {
    return NotFound("{}: {}; --trainer PATH names sweep-trainer", path, std::strerror(errno));
  }
  return path;
}

// As --shared-checkpoints names it, absolute.
StatusOr<std::string> SharedFolder(const std::string& flag) {
  if (flag.empty()) return flag;
  std::error_code error;
  const std::filesystem::path path = std::filesystem::canonical(flag, error);
  if (error || !std::filesystem::is_directory(path, error)) {
    return InvalidArgument("--shared-checkpoints {}: no such folder; it is one that other hosts have too",
                           flag);
  }
  if (access(path.c_str(), W_OK | X_OK) != 0) {
    return InvalidArgument("--shared-checkpoints {}: {}", flag, std::strerror(errno));
  }
  return path.string();
}

StatusOr<int> OpenSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  if (pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return Internal("cannot block SIGTERM");
  const int file = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (file < 0) return Internal("signalfd: {}", std::strerror(errno));
  return file;
}

}  // namespace

StatusOr<std::unique_ptr<Worker>> Worker::Create(const WorkerOptions& options, DeviceProbe& devices,
                                                 Disk& disk, Clock& clock, RandomSource& random) {
  std::unique_ptr<Worker> worker(new Worker(clock));
  RETURN_IF_ERROR(worker->Prepare(options, devices, disk, random));
  return worker;
}

Status Worker::Prepare(const WorkerOptions& options, DeviceProbe& devices, Disk& disk, RandomSource& random) {
  if (options.handle_signals) {  // first: threads inherit what is blocked
    ASSIGN_OR_RETURN(signals_, OpenSignals());
  }
  stop_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop_ < 0) return Internal("eventfd: {}", std::strerror(errno));

  const std::string address = CoordinatorAddress(options.coordinator);
  ConnectionOptions connection;
  rpc::TlsFiles tls = options.tls;
  tls.ca = rpc::FindTlsCa(tls.ca);
  ASSIGN_OR_RETURN(connection.channel, rpc::OpenChannel(address, tls));
  connection.address = address;
  connection.token = [file = options.token_file, address] { return rpc::FindToken(file, address); };
  // A coordinator that starts later leaves its token then; the connection asks for it again.
  if (Status token = connection.token().status(); !token.ok() && !absl::IsUnavailable(token)) return token;

  ProcessLauncherOptions launcher;
  ASSIGN_OR_RETURN(launcher.trainer, TrainerPath(options.trainer));
  launcher.checkpoint_grace = std::min(launcher.checkpoint_grace, options.drain_limit * 3 / 4);

  ASSIGN_OR_RETURN(const DataRoots roots, DataRoots::Create(options.data_roots));
  if (roots.everywhere() && !rpc::IsLoopback(address)) {
    LogWarning({},
               "without --data-root, whoever may submit to {} can have this worker read any file that it can",
               address);
  }

  SessionOptions session;
  session.allow_trial = [roots](const Trial& trial) { return roots.Check(trial); };
  session.hostname = HostName();
  session.build = Build();
  session.process = NewId("p", random);
  session.boot = BootId();
  ASSIGN_OR_RETURN(session.slots, FindSlots(options.slots, devices));
  session.labels = options.labels;
  session.orphan_after = options.orphan_after;
  session.drain_limit = options.drain_limit;
  session.prepare_limit = options.prepare_limit;

  ASSIGN_OR_RETURN(folder_, Folder::Open(options.folder, random, disk));
  std::vector<std::string> warnings;
  ASSIGN_OR_RETURN(std::vector<StoredAttempt> attempts, RecoverAttempts(*folder_, warnings));
  for (const std::string& warning : warnings) LogWarning({}, "{}", warning);

  CarrierOptions carrier;
  ASSIGN_OR_RETURN(carrier.channel, rpc::OpenChannel(address, tls));
  carrier.address = address;
  carrier.token = connection.token;
  carrier.worker_id = folder_->identity();
  carrier.checkpoint_every = options.checkpoint_every;
  carrier.fetch_patience = options.fetch_patience;
  ASSIGN_OR_RETURN(carrier_, Carrier::Create(std::move(carrier), clock_));
  session.artifacts = carrier_.get();
  ASSIGN_OR_RETURN(session.shared_checkpoints, SharedFolder(options.shared_checkpoints));
  ASSIGN_OR_RETURN(connection_, Connection::Create(std::move(connection), clock_, random));
  launcher.cache = folder_->path() + "/cache";
  // The trainers' cache: what one of us has read the other need not.
  ASSIGN_OR_RETURN(fingerprints_, FingerprintThread::Create(files::FolderCache(launcher.cache)));
  session.fingerprinter = fingerprints_.get();
  if (std::any_of(session.slots.begin(), session.slots.end(),
                  [](const Slot& slot) { return slot.kind == "cuda"; })) {
    std::vector<std::string> command = options.gpu_memory;
    if (command.empty()) command = {"/proc/self/exe", kGpuMemoryFlag};
    gpu_memory_ = std::make_unique<ChildGpuMemory>(std::move(command), clock_);
    session.gpu_memory = gpu_memory_.get();
  }
  launcher_ = std::make_unique<ProcessLauncher>(launcher, clock_);
  for (const Slot& slot : session.slots) {
    LogInfo({{"worker", folder_->identity()}}, "slot {}: {} ({}), {} thread(s)", slot.index, slot.device,
            slot.device_model, slot.threads);
  }
  session_ = std::make_unique<Session>(std::move(session), *folder_, *launcher_, *connection_, clock_);
  return session_->Recover(std::move(attempts));
}

Worker::~Worker() {
  // First of all the trainers: what else ends may wait for a disk that does not answer.
  session_.reset();
  launcher_.reset();
  if (stop_ >= 0) close(stop_);
  if (signals_ >= 0) close(signals_);
}

void Worker::Stop() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(stop_, &one, sizeof(one));
}

void Worker::WaitForSomething() {
  std::vector<pollfd> files = {
      {stop_, POLLIN, 0}, {connection_->wake_file(), POLLIN, 0}, {carrier_->wake_file(), POLLIN, 0}};
  if (signals_ >= 0) files.push_back({signals_, POLLIN, 0});
  files.push_back({fingerprints_->wake_file(), POLLIN, 0});
  if (gpu_memory_ != nullptr) gpu_memory_->AddFiles(files);
  launcher_->AddFiles(files);
  const SteadyTime now = clock_.Steady();
  const SteadyTime next = std::min({now + kTick, connection_->NextStep(), launcher_->NextStep()});
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(std::max(Duration::zero(), next - now));
  poll(files.data(), files.size(), static_cast<int>(wait.count()));
}

bool Worker::HandleStops() {
  std::uint64_t calls = 0;
  const int before = stops_;
  if (read(stop_, &calls, sizeof(calls)) == static_cast<ssize_t>(sizeof(calls)))
    stops_ += static_cast<int>(calls);
  signalfd_siginfo signal{};
  while (signals_ >= 0 && read(signals_, &signal, sizeof(signal)) == static_cast<ssize_t>(sizeof(signal)))
    ++stops_;
  if (before == 0 && stops_ > 0) session_->Drain("the worker was asked to stop");
  return stops_ > 1;
}

Outcome Worker::Run() {
  for (;;) {
    WaitForSomething();
    if (HandleStops()) return {1, "stopped at once; running trials were not checkpointed"};
    connection_->Step(*session_);
    launcher_->Step(*session_);
    for (const FingerprintThread::Answer& answer : fingerprints_->Take()) {
      answer.found.ok() ? session_->OnFingerprints(answer.attempt_id, *answer.found)
                        : session_->OnFilesUnread(answer.attempt_id, answer.found.status());
    }
    if (gpu_memory_ != nullptr) {
      if (const auto in_use = gpu_memory_->Step()) session_->OnGpuMemory(*in_use);
    }
    carrier_->Step(*session_);
    session_->Tick();
    if (session_->outcome()) break;
    if (connection_->refused()) return {2, Message(*connection_->refused())};
  }
  connection_->Close(kCloseTimeout);
  return *session_->outcome();
}

}  // namespace lorikeet::agent
