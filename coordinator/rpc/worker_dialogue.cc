#include "coordinator/rpc/worker_dialogue.h"

#include <utility>

#include "coordinator/rpc/convert.h"

namespace lorikeet::rpc {

WorkerDialogue::WorkerDialogue(service::Service& service,
                               std::shared_ptr<service::WorkerConnection> connection)
    : service_(service), connection_(std::move(connection)) {}

Status WorkerDialogue::Handle(const v1::WorkerMessage& message) {
  if (message.has_hello()) {
    if (session_ > 0) return InvalidArgument("a second Hello on one stream");
    ASSIGN_OR_RETURN(session_, service_.Connect(FromWire(message.hello()), connection_));
    return absl::OkStatus();
  }
  if (session_ == 0) return InvalidArgument("the first message of a stream is Hello");
  switch (message.message_case()) {
    case v1::WorkerMessage::kRenew:
      service_.HandleRenew(session_, FromWire(message.renew()));
      break;
    case v1::WorkerMessage::kEvents: {
      ASSIGN_OR_RETURN(const service::Report report, FromWire(message.events()));
      return service_.HandleReport(session_, report);
    }
    case v1::WorkerMessage::kProgress:
      service_.HandleProgress(session_, {message.progress().attempt_id(), message.progress().token()},
                              FromWire(message.progress()));
      break;
    case v1::WorkerMessage::kClosed:
      service_.HandleClosed(session_, {message.closed().attempt_id(), message.closed().token()});
      break;
    case v1::WorkerMessage::kDraining:
      service_.HandleDraining(session_);
      break;
    default:
      return InvalidArgument("a message that this coordinator does not know");
  }
  return absl::OkStatus();
}

void WorkerDialogue::Close() {
  if (session_ > 0) service_.Disconnect(session_);
}

}  // namespace lorikeet::rpc
