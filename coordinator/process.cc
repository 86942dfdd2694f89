#include "coordinator/process.h"

#include <malloc.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "common/build_info.h"
#include "common/clock.h"
#include "common/files.h"
#include "common/first_error.h"
#include "common/ids.h"
#include "common/logging.h"
#include "common/rpc/channel.h"
#include "common/rpc/token.h"
#include "coordinator/http_port.h"
#include "coordinator/rpc/access.h"
#include "coordinator/rpc/artifact_folder.h"
#include "coordinator/rpc/server.h"
#include "coordinator/service/service.h"
#include "coordinator/store/store.h"
#include "coordinator/web/api/live.h"
#include "coordinator/web/metrics.h"

namespace lorikeet {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(200);  // for a fault, and at the tokens
// For running calls, at the end. An idle client that does not read its connection makes us wait all of it.
constexpr auto kGrace = std::chrono::seconds(2);
constexpr std::int64_t kRenewalsALease = 6;
constexpr std::int64_t kReserve = 2LL << 30;  // bytes of the data folder's disk

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

// Beyond loopback every token has a role, and there must be somebody to submit and somebody to train.
Status CheckTokens(const CoordinatorOptions& options) {
  if (rpc::IsLoopback(options.listen)) return absl::OkStatus();
  if (!options.token_file.empty()) {
    return InvalidArgument(
        "--token-file {} --listen {}: beyond loopback a token has a role: deploy/make-token.sh makes them",
        options.token_file, options.listen);
  }
  ASSIGN_OR_RETURN(const auto access, rpc::Access::Create("", TokensFile(options)));
  std::string commands;
  for (const rpc::Role role : {rpc::Role::kClient, rpc::Role::kWorker}) {
    if (access->Has(role)) continue;
    commands += fmt::format("{}deploy/make-token.sh {} NAME --data {}", commands.empty() ? "" : " and ",
                            rpc::Name(role), options.data);
  }
  if (commands.empty()) return absl::OkStatus();
  return InvalidArgument(
      "--listen {}: beyond loopback only with tokens for clients and workers in {}: run {}", options.listen,
      TokensFile(options), commands);
}

// The token of every role; empty beyond loopback.
StatusOr<std::string> OwnToken(const CoordinatorOptions& options) {
  if (!rpc::IsLoopback(options.listen)) return std::string();
  if (!options.token_file.empty()) return rpc::ReadToken(options.token_file);
  return rpc::ReadOrMakeToken(options.data + "/token");
}

// Where this user's tools look for it. They can be told by hand, so a home that cannot be written is no
// failure.
void LeaveToken(const std::string& address, const std::string& token, const std::string& data) {
  StatusOr<std::string> file = rpc::DefaultTokenFile(address);
  const Status status = file.ok() ? rpc::WriteToken(*file, token) : file.status();
  if (!status.ok()) {
    LogWarning({}, "cannot leave the token where tools look for it ({}); give them --token-file {}/token",
               Message(status), data);
  }
}

// `wrong` is what was said last, so that it is not said five times a second.
void ReadTokensAgain(rpc::Access& access, const std::string& file, std::string& wrong) {
  const StatusOr<std::optional<std::size_t>> read = access.Reload();
  if (!read.ok()) {
    if (std::exchange(wrong, Message(read.status())) == wrong) return;
    LogError({}, "the tokens are not read again, and those from before count: {}", wrong);
    return;
  }
  wrong.clear();
  if (*read) {
    LogInfo({}, "{}: read again, {} token(s)", file, **read);
  }
}

// Until a signal or a fault.
Status Wait(const FirstError& fault, const std::function<void()>& meanwhile) {
  for (;;) {
    meanwhile();
    if (const int signal = WaitForSignal(kLookEvery); signal != 0) {
      LogInfo({}, "ending on signal {}", signal);
      return fault.Get();
    }
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
  // Debian's absl draws the graph of every lock taken: a twentieth of a busy coordinator's time.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // Others on this machine have no business with articles, summaries, weights and tokens.
  umask(0077);
  // What is wrong with the flags is said before the folder is touched.
  RETURN_IF_ERROR(rpc::ListenCredentials(options.listen, options.tls).status());
  RETURN_IF_ERROR(CheckTokens(options));
  RETURN_IF_ERROR(CheckHttp(options));
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store,
                   store::Store::Open(options.data, {.build = Build(), .vfs = {}}));
  // An old one would mislead whoever waits for it; until here it may be that of the folder's holder.
  if (!options.port_file.empty()) unlink(options.port_file.c_str());
  ASSIGN_OR_RETURN(const std::string token, OwnToken(options));
  ASSIGN_OR_RETURN(const BothAccess access, MakeAccess(options, token));
  const auto metrics = std::make_shared<web::Metrics>(
      web::MetricsOptions{
          .version = Version(), .build = Build(), .database_path = store->path(), .reserve_bytes = kReserve},
      RealClock());
  const Duration lease = std::chrono::seconds(options.lease_seconds);
  ASSIGN_OR_RETURN(const std::vector<std::string> rows, store->ArtifactPaths());
  ASSIGN_OR_RETURN(const std::unique_ptr<rpc::ArtifactFolder> artifacts,
                   rpc::ArtifactFolder::Open(options.data, rows));
  ASSIGN_OR_RETURN(const std::unique_ptr<service::Service> service,
                   service::Service::Create(
                       {.lease = lease,
                        .renew_every = lease / kRenewalsALease,
                        .reserve_bytes = kReserve,
                        .build = Build(),
                        .observer = metrics.get(),
                        .remove_files = [&artifacts](const std::string& path) { artifacts->Discard(path); }},
                       *store, RealClock(), SystemRandom()));
  malloc_trim(0);    // what the file was read with: glibc would keep it
  FirstError fault;  // that leaves nothing to promise
  ASSIGN_OR_RETURN(
      const std::unique_ptr<rpc::Server> server,
      rpc::Server::Start({.listen = options.listen,
                          .tls = options.tls,
                          .access = access.for_calls.get(),
                          .database_path = store->path(),
                          .build = Build(),
                          .lease = lease,
                          .clock = &RealClock(),
                          .observer = metrics.get(),
                          .artifacts = artifacts.get(),
                          .most_artifact_bytes = static_cast<std::int64_t>(options.most_artifact_bytes),
                          .on_fatal = [&fault](const Status& status) { fault.Set(status); }},
                         *service));
  const auto live =
      std::make_shared<web::Live>([&server](web::Live::Work work, std::function<void(const Status&)> done) {
        server->Look(std::move(work), std::move(done));
      });
  ASSIGN_OR_RETURN(const std::unique_ptr<web::HttpServer> http, StartHttp(options, access, metrics, live));
  // Only whoever has the port may leave a token under its name.
  if (options.token_file.empty() && !token.empty()) LeaveToken(server->address(), token, options.data);
  if (!options.port_file.empty())
    RETURN_IF_ERROR(WriteFileAtomically(options.port_file, server->address() + "\n"));
  LogInfo({{"address", server->address()}}, "sweep-coordinator {} serves {} at {}", Build(), store->path(),
          server->address());

  std::string wrong_with_tokens;
  const auto meanwhile = [&] {
    ReadTokensAgain(*access.for_calls, TokensFile(options), wrong_with_tokens);
    if (access.for_http != access.for_calls)
      access.for_http->Reload().IgnoreError();  // what is wrong has just been said
  };
  if (Status status = Wait(fault, meanwhile); !status.ok()) {
    server->Shutdown(std::chrono::seconds(0));
    return status;
  }
  server->Shutdown(kGrace);
  RETURN_IF_ERROR(store->Close());
  LogInfo({}, "ended; {} is complete", store->path());
  return absl::OkStatus();
}

}  // namespace lorikeet
