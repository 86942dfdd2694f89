#include "sweeps/sweepctl/client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <utility>

#include "common/files.h"
#include "common/ids.h"
#include "common/rpc/channel.h"
#include "common/rpc/status_codes.h"
#include "common/rpc/token.h"
#include "common/rpc/transfer.h"
#include "lorikeet/v1/artifacts.grpc.pb.h"
#include "lorikeet/v1/client.grpc.pb.h"
#include "sweeps/sweepctl/config.h"
#include "sweeps/sweepctl/run.h"

namespace lorikeet::sweepctl {
namespace {

constexpr auto kLookWithin = std::chrono::seconds(10);
// Storing a large sweep, and reading a table over many predictions, take their time.
constexpr auto kWorkWithin = std::chrono::seconds(120);
// What acts carries an id, and may be asked again: so long in all while there is no answer, and each time at
// most.
constexpr auto kAskAgainWithin = std::chrono::seconds(30);
constexpr auto kOneTry = std::chrono::seconds(60);
constexpr std::chrono::milliseconds kFirstPause{200}, kLongestPause{2000};
constexpr auto kFetchWithin = std::chrono::hours(1);
// Summaries of many documents and seeds, over a slow line.
constexpr auto kUploadWithin = std::chrono::minutes(10);
constexpr std::int64_t kMostFetchedBytes = std::int64_t{64} << 30;

std::string Address(const std::string& flag) {
  if (!flag.empty()) return flag;
  const char* value = std::getenv("LORIKEET_COORDINATOR");
  return value != nullptr && *value != '\0' ? value : "127.0.0.1:7070";
}

// Nobody to ask: after a `sweepctl run` that is no wonder, and what it left is near.
Status WithWhatARunLeft(const Status& status) {
  const std::string folder = RunOptions().data;
  std::error_code error;
  if (!std::filesystem::exists(folder + "/results.db", error)) return status;
  return {status.code(),
          fmt::format("{}; what a `sweepctl run` left here is read by `sweepctl table SWEEP --db {}`",
                      Message(status), folder)};
}

}  // namespace

struct Client::Impl {
  std::string address, token;
  bool tls = false;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::SweepService::Stub> stub;
  std::unique_ptr<v1::ArtifactService::Stub> artifacts;

  template <typename Request, typename Response>
  using Method = grpc::Status (v1::SweepService::Stub::*)(grpc::ClientContext*, const Request&, Response*);

  template <typename Request, typename Response>
  StatusOr<Response> Call(Method<Request, Response> method, const Request& request,
                          std::chrono::seconds within = kLookWithin) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + within);
    rpc::Authorize(context, token);
    Response response;
    const grpc::Status status = (stub.get()->*method)(&context, request, &response);
    Status done = rpc::FromGrpc(status, "the coordinator at " + address);
    // A server that wants TLS hangs up on one that comes without.
    if (absl::IsUnavailable(done) && !tls && status.error_message().find("losed") != std::string::npos) {
      done = Unavailable("{}; if it listens with TLS, name its certificate by --tls-ca or LORIKEET_TLS_CA",
                         Message(done));
    }
    RETURN_IF_ERROR(done);
    return response;
  }

  // Whether there is a connection: waits until one is made, or a try has failed.
  bool Connect() {
    const auto end = std::chrono::system_clock::now() + kLookWithin;
    for (auto state = channel->GetState(/*try_to_connect=*/true); state != GRPC_CHANNEL_READY;
         state = channel->GetState(true)) {
      if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || !channel->WaitForStateChange(state, end)) return false;
    }
    return true;
  }

  // A call that acts. Its answer may get lost after it has acted: it is asked again under the same id, at
  // which the coordinator answers as it did. Where there was never a connection there is nothing to ask again
  // for.
  template <typename Request, typename Response>
  StatusOr<Response> Act(Method<Request, Response> method, Request request) {
    request.set_request_id(NewUuid(SystemRandom()));
    return AskAgain<Response>([&](std::chrono::seconds within) { return Call(method, request, within); });
  }

  // `ask` asks once, for so long; under one id each time.
  template <typename Response, typename Ask>
  StatusOr<Response> AskAgain(const Ask& ask) {
    using std::chrono::steady_clock;
    const auto begun = steady_clock::now();
    // Asked beforehand: after a call that found nobody the channel may be trying again, as after one that was
    // lost on its way.
    const bool connected = Connect();
    std::chrono::milliseconds pause = kFirstPause;
    for (bool first = true;; first = false) {
      const auto left =
          std::chrono::duration_cast<std::chrono::seconds>(kWorkWithin - (steady_clock::now() - begun));
      StatusOr<Response> response = ask(std::min<std::chrono::seconds>(kOneTry, left));
      if (response.ok() || !absl::IsUnavailable(response.status())) return response;
      // Ready: somebody came to listen meanwhile, and it is their answer.
      if (first && !connected && channel->GetState(false) != GRPC_CHANNEL_READY) return response;
      const auto spent = steady_clock::now() - begun;
      // A try that ran out of its time has a second one.
      if (spent + pause > (spent >= kOneTry ? kWorkWithin : kAskAgainWithin)) return response;
      std::this_thread::sleep_for(pause);
      pause = std::min(2 * pause, kLongestPause);
    }
  }
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

StatusOr<std::unique_ptr<Client>> Client::Create(const ClientOptions& asked) {
  ClientOptions options = asked;
  RETURN_IF_ERROR(FillFromConfig(options));
  auto impl = std::make_unique<Impl>();
  impl->address = Address(options.coordinator);
  std::string token_file = options.token_file;
  if (!options.data.empty()) {
    StatusOr<std::string> address = ReadFile(options.data + "/coordinator.address");
    if (!address.ok()) {
      return FailedPrecondition(
          "{0}: no `sweepctl run` is at work in this folder; `sweepctl table SWEEP --db {0}` reads its "
          "results",
          options.data);
    }
    impl->address = address->substr(0, address->find('\n'));
    if (token_file.empty()) token_file = options.data + "/token";
  }
  const std::string tls_ca = rpc::FindTlsCa(options.tls_ca);
  impl->tls = !tls_ca.empty();
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel,
                   rpc::OpenChannel(impl->address, {.certificate = {}, .key = {}, .ca = tls_ca}));
  StatusOr<std::string> token = rpc::FindToken(token_file, impl->address);
  if (!token.ok()) return WithWhatARunLeft(token.status());
  impl->token = *std::move(token);
  impl->channel = channel;
  impl->stub = v1::SweepService::NewStub(channel);
  impl->artifacts = v1::ArtifactService::NewStub(channel);
  return std::unique_ptr<Client>(new Client(std::move(impl)));
}

StatusOr<v1::SubmitResponse> Client::Submit(const v1::SubmitRequest& request) {
  return impl_->Act(&v1::SweepService::Stub::Submit, request);
}

StatusOr<v1::ListSweepsResponse> Client::ListSweeps() {
  return impl_->Call(&v1::SweepService::Stub::ListSweeps, v1::ListSweepsRequest());
}

StatusOr<v1::SweepStatus> Client::GetSweep(const std::string& sweep) {
  v1::GetSweepRequest request;
  request.set_sweep(sweep);
  return impl_->Call(&v1::SweepService::Stub::GetSweep, request);
}

StatusOr<v1::ListTrialsResponse> Client::ListTrials(const std::string& sweep) {
  v1::ListTrialsRequest request;
  request.set_sweep(sweep);
  return impl_->Call(&v1::SweepService::Stub::ListTrials, request, kWorkWithin);
}

StatusOr<v1::TrialStatus> Client::GetTrial(const std::string& trial) {
  v1::GetTrialRequest request;
  request.set_trial(trial);
  return impl_->Call(&v1::SweepService::Stub::GetTrial, request);
}

StatusOr<v1::ListEventsResponse> Client::ListEvents(const v1::ListEventsRequest& request) {
  return impl_->Call(&v1::SweepService::Stub::ListEvents, request);
}

StatusOr<v1::GetTableResponse> Client::GetTable(const v1::GetTableRequest& request) {
  return impl_->Call(&v1::SweepService::Stub::GetTable, request, kWorkWithin);
}

StatusOr<v1::GetPlotResponse> Client::GetPlot(const v1::GetPlotRequest& request) {
  return impl_->Call(&v1::SweepService::Stub::GetPlot, request, kWorkWithin);
}

Status Client::Extract(const v1::ExtractRequest& request,
                       const std::function<Status(std::string_view)>& take) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kFetchWithin);
  rpc::Authorize(context, impl_->token);
  const auto reader = impl_->stub->Extract(&context, request);
  v1::ExtractPiece piece;
  Status taken;
  while (taken.ok() && reader->Read(&piece)) taken = take(piece.text());
  if (!taken.ok()) context.TryCancel();
  const Status ended = rpc::FromGrpc(reader->Finish(), "the coordinator at " + impl_->address);
  return taken.ok() ? ended : taken;
}

StatusOr<v1::CancelResponse> Client::Cancel(const v1::CancelRequest& request) {
  return impl_->Act(&v1::SweepService::Stub::Cancel, request);
}

StatusOr<v1::PauseResponse> Client::Pause(const std::string& sweep) {
  v1::PauseRequest request;
  request.set_sweep(sweep);
  return impl_->Act(&v1::SweepService::Stub::Pause, request);
}

StatusOr<v1::ResumeResponse> Client::Resume(const std::string& sweep) {
  v1::ResumeRequest request;
  request.set_sweep(sweep);
  return impl_->Act(&v1::SweepService::Stub::Resume, request);
}

StatusOr<v1::RetryResponse> Client::Retry(const std::string& name) {
  v1::RetryRequest request;
  request.set_name(name);
  return impl_->Act(&v1::SweepService::Stub::Retry, request);
}

StatusOr<v1::SetPriorityResponse> Client::SetPriority(const std::string& sweep, std::int64_t priority) {
  v1::SetPriorityRequest request;
  request.set_sweep(sweep);
  request.set_priority(priority);
  return impl_->Act(&v1::SweepService::Stub::SetPriority, request);
}

StatusOr<v1::DrainWorkerResponse> Client::DrainWorker(const v1::DrainWorkerRequest& request) {
  return impl_->Act(&v1::SweepService::Stub::DrainWorker, request);
}

StatusOr<v1::ImportRowResponse> Client::ImportRow(const v1::ImportRowRequest& request) {
  return impl_->Act(&v1::SweepService::Stub::ImportRow, request);
}

StatusOr<v1::PutScoresResponse> Client::PutScores(v1::PutScoresBegin begin,
                                                  const std::vector<v1::ScoredDocuments>& parts) {
  begin.set_request_id(NewUuid(SystemRandom()));
  const auto ask = [&](std::chrono::seconds) -> StatusOr<v1::PutScoresResponse> {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kUploadWithin);
    rpc::Authorize(context, impl_->token);
    v1::PutScoresResponse response;
    const auto writer = impl_->stub->PutScores(&context, &response);
    v1::PutScoresMessage message;
    *message.mutable_begin() = begin;
    bool going = writer->Write(message);
    for (std::size_t i = 0; going && i < parts.size(); ++i) {
      *message.mutable_documents() = parts[i];
      going = writer->Write(message);
    }
    writer->WritesDone();
    RETURN_IF_ERROR(rpc::FromGrpc(writer->Finish(), "the coordinator at " + impl_->address));
    return response;
  };
  return impl_->AskAgain<v1::PutScoresResponse>(ask);
}

StatusOr<v1::PutBenchmarksResponse> Client::PutBenchmarks(const v1::PutBenchmarksRequest& request) {
  return impl_->Act(&v1::SweepService::Stub::PutBenchmarks, request);
}

StatusOr<v1::ReadmitWorkerResponse> Client::ReadmitWorker(const std::string& worker) {
  v1::ReadmitWorkerRequest request;
  request.set_worker(worker);
  return impl_->Act(&v1::SweepService::Stub::ReadmitWorker, request);
}

StatusOr<v1::ListWorkersResponse> Client::ListWorkers() {
  return impl_->Call(&v1::SweepService::Stub::ListWorkers, v1::ListWorkersRequest());
}

StatusOr<v1::PruneResponse> Client::Prune(const v1::PruneRequest& request) {
  if (request.dry_run()) return impl_->Call(&v1::SweepService::Stub::Prune, request, kWorkWithin);
  return impl_->Act(&v1::SweepService::Stub::Prune, request);
}

StatusOr<v1::DownloadBegin> Client::FetchAdapter(const std::string& trial, const FetchHooks& hooks) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kFetchWithin);
  rpc::Authorize(context, impl_->token);
  v1::DownloadRequest request;
  request.set_trial(trial);
  const auto reader = impl_->artifacts->Download(&context, request);
  bool ended = false;
  const auto end = [&] {
    ended = true;
    return rpc::FromGrpc(reader->Finish(), "the coordinator at " + impl_->address);
  };
  v1::DownloadMessage message;
  const bool came = reader->Read(&message);
  if (!came || !message.has_begin()) {
    if (came) context.TryCancel();
    RETURN_IF_ERROR(end());
    return Internal("the coordinator at {} does not say what it sends", impl_->address);
  }
  const v1::DownloadBegin begin = message.begin();
  const auto receive = [&]() -> Status {
    std::vector<rpc::TransferFile> files;
    for (const v1::ArtifactFile& file : begin.files())
      files.push_back({file.name(), file.bytes(), file.sha256()});
    RETURN_IF_ERROR(Annotate(rpc::CheckTransfer(files, kMostFetchedBytes), "the coordinator's answer"));
    ASSIGN_OR_RETURN(const std::string folder, hooks.folder(begin));
    rpc::FileWriter writer(folder, files);
    while (reader->Read(&message)) {
      RETURN_IF_ERROR(writer.Take(message.chunk()));
      hooks.progress(writer.bytes(), rpc::BytesOf(files));
    }
    RETURN_IF_ERROR(end());
    return writer.Finish();
  };
  const Status received = receive();
  if (received.ok()) return begin;
  context.TryCancel();
  if (!ended) end().IgnoreError();
  return received;
}

const std::string& Client::address() const { return impl_->address; }

}  // namespace lorikeet::sweepctl
