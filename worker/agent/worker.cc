#include "worker/agent/worker.h"

#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "common/build_info.h"
#include "common/rpc/channel.h"
#include "common/rpc/token.h"

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

std::string Hostname() {
  char name[HOST_NAME_MAX + 1] = "";
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "unknown";
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
                                                 Clock& clock, RandomSource& random) {
  std::unique_ptr<Worker> worker(new Worker(clock));
  RETURN_IF_ERROR(worker->Prepare(options, devices, random));
  return worker;
}

Status Worker::Prepare(const WorkerOptions& options, DeviceProbe& devices, RandomSource& random) {
  if (options.handle_signals) {  // first: threads inherit what is blocked
    ASSIGN_OR_RETURN(signals_, OpenSignals());
  }
  stop_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop_ < 0) return Internal("eventfd: {}", std::strerror(errno));

  const std::string address = CoordinatorAddress(options.coordinator);
  ConnectionOptions connection;
  ASSIGN_OR_RETURN(connection.channel, rpc::OpenChannel(address, rpc::FindTlsCa(options.tls_ca)));
  connection.address = address;
  connection.token = [file = options.token_file, address] { return rpc::FindToken(file, address); };
  // A coordinator that starts later leaves its token then; the connection asks for it again.
  if (Status token = connection.token().status(); !token.ok() && !absl::IsUnavailable(token)) return token;

  ProcessLauncherOptions launcher;
  ASSIGN_OR_RETURN(launcher.trainer, TrainerPath(options.trainer));
  launcher.checkpoint_grace = std::min(launcher.checkpoint_grace, options.drain_limit * 3 / 4);

  SessionOptions session;
  session.hostname = Hostname();
  session.build = Build();
  session.process = NewId("p", random);
  ASSIGN_OR_RETURN(session.slots, FindSlots(options.slots, devices));
  session.orphan_after = options.orphan_after;
  session.drain_limit = options.drain_limit;

  ASSIGN_OR_RETURN(folder_, Folder::Open(options.folder, random));
  std::vector<std::string> warnings;
  ASSIGN_OR_RETURN(std::vector<StoredAttempt> attempts, RecoverAttempts(*folder_, warnings));
  for (const std::string& warning : warnings) spdlog::warn("{}", warning);

  ASSIGN_OR_RETURN(connection_, Connection::Create(std::move(connection), clock_, random));
  launcher.cache = folder_->path() + "/cache";
  launcher_ = std::make_unique<ProcessLauncher>(launcher, clock_);
  for (const Slot& slot : session.slots) {
    spdlog::info("slot {}: {} ({}), {} thread(s)", slot.index, slot.device, slot.device_model, slot.threads);
  }
  session_ = std::make_unique<Session>(std::move(session), *folder_, *launcher_, *connection_, clock_);
  return session_->Recover(std::move(attempts));
}

Worker::~Worker() {
  if (stop_ >= 0) close(stop_);
  if (signals_ >= 0) close(signals_);
}

void Worker::Stop() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(stop_, &one, sizeof(one));
}

void Worker::WaitForSomething() {
  std::vector<pollfd> files = {{stop_, POLLIN, 0}, {connection_->wake_file(), POLLIN, 0}};
  if (signals_ >= 0) files.push_back({signals_, POLLIN, 0});
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
    session_->Tick();
    if (session_->outcome()) break;
    if (connection_->refused()) return {2, Message(*connection_->refused())};
  }
  connection_->Close(kCloseTimeout);
  return *session_->outcome();
}

}  // namespace lorikeet::agent
