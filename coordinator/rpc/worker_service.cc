#include "coordinator/rpc/worker_service.h"

#include <grpc/grpc_security_constants.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/rpc/status_codes.h"
#include "coordinator/rpc/worker_dialogue.h"
#include "coordinator/rpc/worker_stream.h"

namespace lorikeet::rpc {

namespace {

// Decodes on gRPC's thread, and hands on to the service's.
class SessionReactor : public WorkerReactor {
 public:
  SessionReactor(ServiceThread& service, OpenStreams& open, const StatusOr<TokenHash>& allowed,
                 const std::string& build, const Clock& clock, service::Observer* observer,
                 grpc::CallbackServerContext* context)
      : service_(service),
        open_(open),
        stream_(std::make_shared<WorkerStream>(this, context, build, clock, observer)),
        dialogue_(stream_, observer) {
    if (!allowed.ok()) {
      stream_->Finish(ToGrpc(allowed.status()));
    } else if (open_.Add(stream_, *allowed)) {
      stream_->Read(&message_);
    }
  }

  void OnReadDone(bool ok) override {
    if (!ok) {  // the worker closed its side, or the connection is gone
      stream_->Finish(grpc::Status::OK);
      return;
    }
    StatusOr<WorkerDialogue::Work> work = dialogue_.Decode(message_);
    if (!work.ok()) {
      stream_->Finish(ToGrpc(work.status()));
      return;
    }
    stream_->Asked();
    service_.Post({.kind = service::Request::Kind::kWorker,
                   .work = *std::move(work),
                   .done = [stream = stream_](const Status& status) { stream->Answered(status); }});
    stream_->Read(&message_);
  }

  void OnWriteDone(bool ok) override { stream_->Written(ok); }

  void OnDone() override {
    open_.Remove(stream_);
    stream_->Detach();
    service_.Post(
        {.kind = service::Request::Kind::kWorker, .work = dialogue_.Close(), .done = [](const Status&) {}});
    delete this;
  }

 private:
  ServiceThread& service_;
  OpenStreams& open_;
  const std::shared_ptr<WorkerStream> stream_;
  WorkerDialogue dialogue_;
  v1::WorkerMessage message_;
};

// What TLS knows of the peer under that name; empty where it knows nothing.
std::string PeerText(const grpc::CallbackServerContext& context, const char* name) {
  const auto peer = context.auth_context();
  if (peer == nullptr) return "";
  const std::vector<grpc::string_ref> values = peer->FindPropertyValues(name);
  return values.empty() ? "" : std::string(values.front().data(), values.front().size());
}

}  // namespace

WorkerServiceHandler::WorkerServiceHandler(ServiceThread& service, OpenStreams& open, const Access& access,
                                           const ClientVerifier* verifier, const Clock& clock,
                                           service::Observer* observer, std::string build)
    : service_(service),
      open_(open),
      access_(access),
      verifier_(verifier),
      clock_(clock),
      observer_(observer),
      build_(std::move(build)) {}

StatusOr<TokenHash> WorkerServiceHandler::Allowed(const grpc::CallbackServerContext& context) const {
  ASSIGN_OR_RETURN(const TokenHash token, access_.Check(context.client_metadata(), Role::kWorker));
  if (verifier_ != nullptr) {
    RETURN_IF_ERROR(verifier_->Check(PeerText(context, GRPC_X509_PEM_CERT_PROPERTY_NAME),
                                     PeerText(context, GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME),
                                     clock_.Wall()));
  }
  return token;
}

WorkerReactor* WorkerServiceHandler::Session(grpc::CallbackServerContext* context) {
  const StatusOr<TokenHash> allowed = Allowed(*context);
  return new SessionReactor(service_, open_, allowed, build_, clock_, observer_, context);
}

}  // namespace lorikeet::rpc
