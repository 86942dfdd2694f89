// The carrier's calls: one upload, one download.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/rpc/status_codes.h"
#include "common/rpc/token.h"
#include "common/rpc/transfer.h"
#include "lorikeet/v1/artifacts.grpc.pb.h"
#include "worker/agent/carrier.h"
#include "worker/agent/checkpoint_transfer.h"

namespace lorikeet::agent {
namespace {

// Of what failed on this host: it may work another time, and the coordinator has not said a word.
Status NotNow(const Status& status) { return status.ok() ? status : Unavailable("{}", Message(status)); }

// Of writing what came: where that is not what was said, it will not be another time.
Status WrongOrNotNow(const Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsDataLoss(status) ? status : NotNow(status);
}

}  // namespace

// Known to the carrier while it lives, so that it can be ended.
class Carrier::Call {
 public:
  // `fetch`: Forget ends it, too.
  Call(Carrier& owner, bool fetch) : owner_(owner) {
    absl::MutexLock lock(&owner_.mutex_);
    owner_.calls_.insert(&context);
    if (fetch) owner_.fetch_call_ = &context;
    if (owner_.ending_ || (fetch && owner_.fetching_.empty())) context.TryCancel();
  }
  ~Call() {
    absl::MutexLock lock(&owner_.mutex_);
    owner_.calls_.erase(&context);
    if (owner_.fetch_call_ == &context) owner_.fetch_call_ = nullptr;
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  Status Prepare() {
    const StatusOr<std::string> token = owner_.options_.token();
    if (!token.ok()) return NotNow(token.status());
    rpc::Authorize(context, *token);
    context.set_deadline(
        std::chrono::system_clock::now() +
        std::chrono::duration_cast<std::chrono::microseconds>(owner_.options_.transfer_limit));
    return absl::OkStatus();
  }
  Status End(const grpc::Status& status) const {
    const Status ended = rpc::FromGrpc(status, "coordinator " + owner_.options_.address);
    // A coordinator of an older build may become a newer one.
    return status.error_code() == grpc::StatusCode::UNIMPLEMENTED ? NotNow(ended) : ended;
  }

  grpc::ClientContext context;

 private:
  Carrier& owner_;
};

Status Carrier::Send(Kind kind, const ArtifactOf& of) {
  const bool adapter = kind == Kind::kAdapter;
  const StatusOr<std::unique_ptr<rpc::FileReader>> opened =
      adapter ? OpenAdapter(of.trial_folder) : OpenCheckpoint(of.trial_folder, of.token);
  if (!opened.ok()) return NotNow(opened.status());
  const std::unique_ptr<rpc::FileReader>& files = *opened;
  const auto described = hashes_.Of(*files, of.trial_folder, adapter ? kAdapterFolder : kCheckpointFolder);
  if (!described.ok()) return NotNow(described.status());
  v1::UploadMessage message;
  v1::UploadBegin& begin = *message.mutable_begin();
  begin.set_trial_id(of.trial_id);
  begin.set_attempt_id(of.attempt_id);
  begin.set_token(of.token);
  begin.set_worker_id(options_.worker_id);
  begin.set_kind(adapter ? "adapter" : "checkpoint");
  begin.set_step(of.step);
  for (const rpc::TransferFile& file : *described) {
    v1::ArtifactFile& to = *begin.add_files();
    to.set_name(file.name);
    to.set_bytes(file.bytes);
    to.set_sha256(file.sha256);
  }

  const auto stub = v1::ArtifactService::NewStub(options_.channel);
  Call call(*this, /*fetch=*/false);
  RETURN_IF_ERROR(call.Prepare());
  v1::UploadResponse response;
  const auto writer = stub->Upload(&call.context, &response);
  Status read;
  bool open = writer->Write(message);
  while (open) {
    StatusOr<std::string> chunk = files->Next();
    if (!chunk.ok() || chunk->empty()) {
      read = chunk.status();
      break;
    }
    const auto pace = std::chrono::duration<double>(static_cast<double>(chunk->size()) /
                                                    static_cast<double>(options_.bytes_per_second));
    message.set_chunk(*std::move(chunk));
    open = writer->Write(message);  // false: the coordinator has answered already
    if (!Sleep(std::chrono::duration_cast<Duration>(pace))) break;
  }
  if (!read.ok()) call.context.TryCancel();
  writer->WritesDone();
  const Status sent = call.End(writer->Finish());
  return read.ok() ? sent : NotNow(read);
}

Status Carrier::FetchInto(const ArtifactOf& of) {
  const auto stub = v1::ArtifactService::NewStub(options_.channel);
  Call call(*this, /*fetch=*/true);
  RETURN_IF_ERROR(call.Prepare());
  v1::DownloadRequest request;
  request.set_trial(of.trial_id);
  request.set_attempt_id(of.attempt_id);
  request.set_token(of.token);
  request.set_worker_id(options_.worker_id);
  const auto reader = stub->Download(&call.context, request);
  const auto give_up = [&](const Status& why) {
    call.context.TryCancel();
    [[maybe_unused]] const grpc::Status cancelled = reader->Finish();
    RemoveAside(of.trial_folder);
    return why;
  };
  v1::DownloadMessage message;
  if (!reader->Read(&message)) return call.End(reader->Finish());
  if (!message.has_begin() || message.begin().kind() != "checkpoint" || message.begin().token() >= of.token) {
    return give_up(
        InvalidArgument("the coordinator sends something else than an earlier attempt's checkpoint"));
  }
  std::vector<rpc::TransferFile> files;
  for (const v1::ArtifactFile& file : message.begin().files())
    files.push_back({file.name(), file.bytes(), file.sha256()});
  Status status = rpc::CheckTransfer(files, options_.most_fetched_bytes);
  if (status.ok()) status = CheckIsCheckpoint(files, message.begin().token());
  if (!status.ok()) return give_up(status);
  const StatusOr<std::string> aside = MakeAside(of.trial_folder);
  if (!aside.ok()) return give_up(NotNow(aside.status()));
  rpc::FileWriter writer(*aside, files);
  while (reader->Read(&message)) {
    status = writer.Take(message.chunk());
    if (!status.ok()) return give_up(WrongOrNotNow(status));
  }
  status = call.End(reader->Finish());
  if (status.ok()) status = WrongOrNotNow(writer.Finish());
  if (status.ok()) status = NotNow(PutInPlace(*aside, of.trial_folder, files));
  if (!status.ok()) RemoveAside(of.trial_folder);
  return status;
}

}  // namespace lorikeet::agent
