#include "coordinator/rpc/worker_service.h"

#include <memory>
#include <utility>

#include "common/rpc/status_codes.h"
#include "coordinator/rpc/worker_dialogue.h"
#include "coordinator/rpc/worker_stream.h"

namespace lorikeet::rpc {

namespace {

// Reads one message at a time: the next is asked for when the last is committed, which is the back-pressure.
class SessionReactor : public WorkerReactor {
 public:
  SessionReactor(service::Service& service, OpenStreams& open, const Status& allowed,
                 const std::string& build, grpc::CallbackServerContext* context,
                 const std::function<void(const Status&)>& on_fatal)
      : open_(open),
        on_fatal_(on_fatal),
        stream_(std::make_shared<WorkerStream>(this, context, build)),
        dialogue_(service, stream_) {
    if (!allowed.ok()) {
      stream_->Finish(ToGrpc(allowed));
    } else if (open_.Add(stream_)) {
      stream_->Read(&message_);
    }
  }

  void OnReadDone(bool ok) override {
    if (!ok) {  // the worker closed its side, or the connection is gone
      stream_->Finish(grpc::Status::OK);
      return;
    }
    if (Status status = dialogue_.Handle(message_); !status.ok()) {
      stream_->Finish(ToGrpc(status));
      if (absl::IsInternal(status)) on_fatal_(status);
      return;
    }
    stream_->Read(&message_);
  }

  void OnWriteDone(bool ok) override { stream_->Written(ok); }

  void OnDone() override {
    open_.Remove(stream_);
    stream_->Detach();
    dialogue_.Close();
    delete this;
  }

 private:
  OpenStreams& open_;
  const std::function<void(const Status&)>& on_fatal_;
  const std::shared_ptr<WorkerStream> stream_;
  WorkerDialogue dialogue_;
  v1::WorkerMessage message_;
};

}  // namespace

WorkerServiceHandler::WorkerServiceHandler(service::Service& service, const TokenChecker& tokens,
                                           std::string build, std::function<void(const Status&)> on_fatal)
    : service_(service), tokens_(tokens), build_(std::move(build)), on_fatal_(std::move(on_fatal)) {}

WorkerReactor* WorkerServiceHandler::Session(grpc::CallbackServerContext* context) {
  const Status allowed = tokens_.Check(context->client_metadata());
  return new SessionReactor(service_, open_, allowed, build_, context, on_fatal_);
}

void WorkerServiceHandler::EndStreams() { open_.End(Unavailable("the coordinator is stopping")); }

}  // namespace lorikeet::rpc
