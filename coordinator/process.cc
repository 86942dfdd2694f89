#include "coordinator/process.h"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/build_info.h"
#include "common/clock.h"
#include "common/files.h"
#include "common/ids.h"
#include "common/rpc/channel.h"
#include "common/rpc/token.h"
#include "coordinator/rpc/server.h"
#include "coordinator/service/service.h"
#include "coordinator/store/store.h"

namespace lorikeet {
namespace {

constexpr auto kTickEvery = std::chrono::milliseconds(200);
// For running calls, at the end. An idle client that does not read its connection makes us wait all of it.
constexpr auto kGrace = std::chrono::seconds(2);
constexpr std::int64_t kRenewalsALease = 6;

sigset_t EndingSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

// Waits for a signal that ends the process, at most `timeout`; 0 where none came.
int WaitForSignal(std::chrono::milliseconds timeout) {
  const sigset_t signals = EndingSignals();
  timespec wait{};
  wait.tv_sec = timeout.count() / 1000;
  wait.tv_nsec = timeout.count() % 1000 * 1'000'000;
  const int signal = sigtimedwait(&signals, nullptr, &wait);
  return signal > 0 ? signal : 0;
}

// The first fault that leaves nothing to promise. Thread-safe.
class Fault {
 public:
  void Set(const Status& status) {
    absl::MutexLock lock(&mutex_);
    status_.Update(status);
  }
  Status Get() const {
    absl::MutexLock lock(&mutex_);
    return status_;
  }

 private:
  mutable absl::Mutex mutex_;
  Status status_ ABSL_GUARDED_BY(mutex_);
};

StatusOr<std::string> ChooseToken(const CoordinatorOptions& options) {
  if (!options.token_file.empty()) return rpc::ReadToken(options.token_file);
  if (!rpc::IsLoopback(options.listen)) {
    return InvalidArgument(
        "--listen {}: beyond loopback only with a token of your own: --token-file FILE, of mode 600",
        options.listen);
  }
  return rpc::ReadOrMakeToken(options.data + "/token");
}

// Where this user's tools look for it. They can be told by hand, so a home that cannot be written is no
// failure.
void LeaveToken(const std::string& address, const std::string& token, const std::string& data) {
  StatusOr<std::string> file = rpc::DefaultTokenFile(address);
  const Status status = file.ok() ? rpc::WriteToken(*file, token) : file.status();
  if (!status.ok()) {
    spdlog::warn("cannot leave the token where tools look for it ({}); give them --token-file {}/token",
                 Message(status), data);
  }
}

// Drives the service's time from this thread until a signal or a fault.
Status Serve(service::Service& service, const Fault& fault) {
  for (;;) {
    if (const int signal = WaitForSignal(kTickEvery); signal != 0) {
      spdlog::info("ending on signal {}", signal);
      return fault.Get();
    }
    RETURN_IF_ERROR(service.Tick());
    RETURN_IF_ERROR(fault.Get());
  }
}

}  // namespace

void BlockEndingSignals() {
  const sigset_t signals = EndingSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);  // a reader that went away is an error where we write
}

Status RunCoordinator(const CoordinatorOptions& options) {
  // What is wrong with the flags is said before the folder is touched.
  RETURN_IF_ERROR(rpc::ListenCredentials(options.listen, options.tls_certificate, options.tls_key).status());
  if (options.token_file.empty() && !rpc::IsLoopback(options.listen)) return ChooseToken(options).status();
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store,
                   store::Store::Open(options.data, {.build = Build(), .vfs = {}}));
  // An old one would mislead whoever waits for it; until here it may be that of the folder's holder.
  if (!options.port_file.empty()) unlink(options.port_file.c_str());
  ASSIGN_OR_RETURN(const std::string token, ChooseToken(options));
  const Duration lease = std::chrono::seconds(options.lease_seconds);
  ASSIGN_OR_RETURN(
      const std::unique_ptr<service::Service> service,
      service::Service::Create({.lease = lease, .renew_every = lease / kRenewalsALease, .build = Build()},
                               *store, RealClock(), SystemRandom()));
  Fault fault;
  ASSIGN_OR_RETURN(const std::unique_ptr<rpc::Server> server,
                   rpc::Server::Start({.listen = options.listen,
                                       .tls_certificate = options.tls_certificate,
                                       .tls_key = options.tls_key,
                                       .token = token,
                                       .database_path = store->path(),
                                       .build = Build(),
                                       .on_fatal = [&fault](const Status& status) { fault.Set(status); }},
                                      *service));
  // Only whoever has the port may leave a token under its name.
  if (options.token_file.empty()) LeaveToken(server->address(), token, options.data);
  if (!options.port_file.empty())
    RETURN_IF_ERROR(WriteFileAtomically(options.port_file, server->address() + "\n"));
  spdlog::info("sweep-coordinator {} serves {} at {}", Build(), store->path(), server->address());

  if (Status status = Serve(*service, fault); !status.ok()) {
    server->Shutdown(std::chrono::seconds(0));
    return status;
  }
  server->Shutdown(kGrace);
  RETURN_IF_ERROR(store->Close());
  spdlog::info("ended; {} is complete", store->path());
  return absl::OkStatus();
}

}  // namespace lorikeet
