// Files that come from a worker.
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
namespace {

std::vector<TransferFile> FilesFromWire(const google::protobuf::RepeatedPtrField<v1::ArtifactFile>& from) {
  std::vector<TransferFile> files;
  for (const v1::ArtifactFile& file : from) files.push_back({file.name(), file.bytes(), file.sha256()});
  return files;
}

}  // namespace

// first message ─▶ service: may it come? ─▶ [message ─▶ disk]… ─▶ end ─▶ checked, placed ─▶ service: its row
// ─▶ answer
class ArtifactServiceHandler::UploadReactor : public grpc::ServerReadReactor<v1::UploadMessage> {
 public:
  UploadReactor(ArtifactServiceHandler& owner, grpc::CallbackServerContext* context)
      : owner_(owner), context_(context) {
    Status allowed = owner_.worker_(*context);
    if (allowed.ok() && !owner_.uploads_.Add(context)) allowed = TooManyTransfers("uploads");
    if (!allowed.ok()) {
      Finish(ToGrpc(allowed));
      return;
    }
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    owner_.uploads_.Moved(context_);
    if (!ok) {
      if (writer_ == nullptr)
        return Finish(ToGrpc(InvalidArgument("the first message of an upload says what comes")));
      return OnFiles([this] { Complete(); });
    }
    if (writer_ == nullptr) {
      if (Status begun = Begin(); !begun.ok()) Finish(ToGrpc(begun));
      return;
    }
    OnFiles([this] {
      const std::string& chunk = message_.chunk();
      Status taken = message_.message_case() != v1::UploadMessage::kChunk
                         ? InvalidArgument("after the first message of an upload come its bytes")
                     : chunk.size() > kChunkBytes
                         ? InvalidArgument("a chunk of {} bytes; at most {}", chunk.size(), kChunkBytes)
                         : writer_->Take(chunk);
      if (!taken.ok()) return Fail(taken);
      StartRead(&message_);
    });
  }

  void OnDone() override {
    owner_.uploads_.Remove(context_);
    owner_.coming_ -= counted_;
    delete this;
  }

 private:
  Status Begin() {
    if (!message_.has_begin()) return InvalidArgument("the first message of an upload says what comes");
    const v1::UploadBegin& begin = message_.begin();
    RETURN_IF_ERROR(CheckLimits(begin));
    ASSIGN_OR_RETURN(artifact_.kind, core::ParseArtifactKind(begin.kind()));
    files_ = FilesFromWire(begin.files());
    RETURN_IF_ERROR(Annotate(CheckTransfer(files_, owner_.most_bytes_), "upload"));
    artifact_.trial_id = begin.trial_id();
    artifact_.attempt_id = begin.attempt_id();
    artifact_.token = begin.token();
    artifact_.step = begin.step();
    for (const TransferFile& file : files_) artifact_.files.push_back({file.name, file.bytes, file.sha256});
    worker_id_ = begin.worker_id();
    owner_.service_.Post({.kind = service::Request::Kind::kLook,
                          .work = [this](service::Service& service) -> Status {
                            ASSIGN_OR_RETURN(artifact_.path,
                                             service.OfferArtifact(artifact_, worker_id_, owner_.coming_));
                            // Here, for the next of this turn.
                            counted_ = artifact_.Bytes();
                            owner_.coming_ += counted_;
                            return absl::OkStatus();
                          },
                          .done =
                              [this](const Status& status) {
                                if (!status.ok()) return Finish(ToGrpc(status));
                                OnFiles([this] { Open(); });
                              }});
    return absl::OkStatus();
  }

  // ---- on the files' thread
  void Open() {
    StatusOr<std::string> coming = owner_.folder_.MakeComing(NewId("u", owner_.random_));
    if (!coming.ok()) return Finish(ToGrpc(coming.status()));
    coming_ = *std::move(coming);
    writer_ = std::make_unique<FileWriter>(coming_, files_);
    StartRead(&message_);
  }

  void Complete() {
    Status status =
        context_->IsCancelled() ? absl::CancelledError("the upload was given up") : writer_->Finish();
    if (status.ok()) status = owner_.folder_.Place(coming_, artifact_.path);
    if (!status.ok()) return Fail(status);
    placed_ = true;
    owner_.service_.Post(
        {.kind = service::Request::Kind::kChange,
         .work = [this](service::Service& service) { return service.KeepArtifact(artifact_, worker_id_); },
         .done =
             [this](const Status& kept) {
               // Nobody knows whether the row is there after such a commit: the next start, which knows,
               // removes them or not.
               if (kept.ok() || absl::IsInternal(kept)) return Finish(ToGrpc(kept));
               OnFiles([this, kept] { Fail(kept); });
             }});
  }

  // With nothing left of it.
  void Fail(const Status& status) {
    writer_.reset();
    ArtifactFolder::Remove(placed_ ? owner_.folder_.PathOf(artifact_.path) : coming_);
    Finish(ToGrpc(status));
  }

  void OnFiles(std::function<void()> work) {
    if (owner_.folder_.Post(std::move(work))) return;
    if (writer_ != nullptr) return Fail(TooManyTransfers("transfers"));
    Finish(ToGrpc(TooManyTransfers("transfers")));
  }

  ArtifactServiceHandler& owner_;
  grpc::CallbackServerContext* const context_;
  v1::UploadMessage message_;
  core::Artifact artifact_;
  std::string worker_id_;
  std::vector<TransferFile> files_;
  std::string coming_;  // the folder of what has come
  std::unique_ptr<FileWriter> writer_;
  std::int64_t counted_ = 0;
  bool placed_ = false;
};

grpc::ServerReadReactor<v1::UploadMessage>* ArtifactServiceHandler::Upload(
    grpc::CallbackServerContext* context, v1::UploadResponse*) {
  return new UploadReactor(*this, context);
}

}  // namespace lorikeet::rpc
