// Files that go to a worker or a person.
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/rpc/status_codes.h"
#include "common/rpc/transfer.h"
#include "coordinator/rpc/artifact_service.h"
#include "coordinator/rpc/checks.h"

namespace lorikeet::rpc {

// service: which? ─▶ disk: open ─▶ its list ─▶ [disk ─▶ message]… ─▶ end
class ArtifactServiceHandler::DownloadReactor : public grpc::ServerWriteReactor<v1::DownloadMessage> {
 public:
  DownloadReactor(ArtifactServiceHandler& owner, grpc::CallbackServerContext* context,
                  const v1::DownloadRequest& request)
      : owner_(owner), context_(context), request_(request) {
    const bool worker = !request.attempt_id().empty();
    Status allowed = worker ? owner_.worker_(*context)
                            : owner_.access_.Check(context->client_metadata(), Role::kRead).status();
    if (allowed.ok()) allowed = CheckLimits(request_);
    if (allowed.ok() && !owner_.downloads_.Add(context)) allowed = TooManyTransfers("downloads");
    if (!allowed.ok()) {
      Finish(ToGrpc(allowed));
      return;
    }
    owner_.service_.Post({.kind = service::Request::Kind::kLook,
                          .work = [this, worker](service::Service& service) -> Status {
                            auto found =
                                worker ? service.FindCheckpoint(request_.trial(),
                                                                {request_.attempt_id(), request_.token()},
                                                                request_.worker_id())
                                       : service.FindAdapter(request_.trial());
                            RETURN_IF_ERROR(found.status());
                            found_ = *std::move(found);
                            return absl::OkStatus();
                          },
                          .done =
                              [this](const Status& status) {
                                if (!status.ok()) return Finish(ToGrpc(status));
                                OnFiles([this] { Open(); });
                              }});
  }

  void OnWriteDone(bool ok) override {
    owner_.downloads_.Moved(context_);
    if (!ok) return Finish(ToGrpc(absl::CancelledError("the download was given up")));
    OnFiles([this] { SendNext(); });
  }

  void OnDone() override {
    owner_.downloads_.Remove(context_);
    delete this;
  }

 private:
  // ---- on the files' thread
  void Open() {
    const core::Artifact& artifact = found_.artifact;
    std::vector<std::string> names;
    for (const core::ArtifactFile& file : artifact.files) names.push_back(file.name);
    auto opened = FileReader::Open(owner_.folder_.PathOf(artifact.path), names);
    if (!opened.ok()) return Finish(ToGrpc(Annotate(opened.status(), "a file of the artifact is gone")));
    reader_ = *std::move(opened);
    v1::DownloadBegin& begin = *message_.mutable_begin();
    begin.set_trial_id(artifact.trial_id);
    begin.set_trial_name(found_.trial_name);
    begin.set_attempt_id(artifact.attempt_id);
    begin.set_kind(core::Name(artifact.kind));
    begin.set_token(artifact.token);
    begin.set_step(artifact.step);
    for (std::size_t i = 0; i < artifact.files.size(); ++i) {
      const core::ArtifactFile& file = artifact.files[i];
      if (reader_->files()[i].bytes != file.bytes) {
        return Finish(ToGrpc(MakeStatus(absl::StatusCode::kDataLoss,
                                        "{} has {} bytes on the coordinator's disk, not {}", file.name,
                                        reader_->files()[i].bytes, file.bytes)));
      }
      v1::ArtifactFile& to = *begin.add_files();
      to.set_name(file.name);
      to.set_bytes(file.bytes);
      to.set_sha256(file.sha256);
    }
    StartWrite(&message_);
  }

  void SendNext() {
    StatusOr<std::string> chunk = reader_->Next();
    if (!chunk.ok() || chunk->empty()) return Finish(ToGrpc(chunk.status()));
    message_.set_chunk(*std::move(chunk));
    StartWrite(&message_);
  }

  void OnFiles(std::function<void()> work) {
    if (!owner_.folder_.Post(std::move(work))) Finish(ToGrpc(TooManyTransfers("transfers")));
  }

  ArtifactServiceHandler& owner_;
  grpc::CallbackServerContext* const context_;
  const v1::DownloadRequest request_;
  service::FoundArtifact found_;
  std::unique_ptr<FileReader> reader_;
  v1::DownloadMessage message_;
};

grpc::ServerWriteReactor<v1::DownloadMessage>* ArtifactServiceHandler::Download(
    grpc::CallbackServerContext* context, const v1::DownloadRequest* request) {
  return new DownloadReactor(*this, context, *request);
}

}  // namespace lorikeet::rpc
