#include "coordinator/rpc/worker_dialogue.h"

#include <utility>
#include <vector>

#include "coordinator/rpc/checks.h"
#include "coordinator/rpc/convert.h"

namespace lorikeet::rpc {

using service::Service;

namespace {

const char* NameOf(const v1::WorkerMessage& message) {
  switch (message.message_case()) {
    case v1::WorkerMessage::kHello:
      return "hello";
    case v1::WorkerMessage::kRenew:
      return "renew";
    case v1::WorkerMessage::kEvents:
      return "events";
    case v1::WorkerMessage::kProgress:
      return "progress";
    case v1::WorkerMessage::kClosed:
      return "closed";
    case v1::WorkerMessage::kDraining:
      return "draining";
    case v1::WorkerMessage::kSlotsChanged:
      return "slots_changed";
    default:
      return "unknown";
  }
}

}  // namespace

WorkerDialogue::WorkerDialogue(std::shared_ptr<service::WorkerConnection> connection,
                               service::Observer* observer)
    : connection_(std::move(connection)), session_(std::make_shared<std::int64_t>(0)), observer_(observer) {}

StatusOr<WorkerDialogue::Work> WorkerDialogue::Decode(const v1::WorkerMessage& message) {
  StatusOr<Work> work = DecodeKnown(message);
  if (!work.ok() && observer_ != nullptr) observer_->MessageRefused(NameOf(message));
  return work;
}

StatusOr<WorkerDialogue::Work> WorkerDialogue::DecodeKnown(const v1::WorkerMessage& message) {
  if (message.has_hello()) {
    if (greeted_) return InvalidArgument("a second Hello on one stream");
    RETURN_IF_ERROR(CheckLimits(message.hello()));
    greeted_ = true;
    return Work([session = session_, connection = connection_,
                 hello = FromWire(message.hello())](Service& service) -> Status {
      ASSIGN_OR_RETURN(*session, service.Connect(hello, connection));
      return absl::OkStatus();
    });
  }
  if (!greeted_) return InvalidArgument("the first message of a stream is Hello");
  switch (message.message_case()) {
    case v1::WorkerMessage::kRenew:
      RETURN_IF_ERROR(CheckLimits(message.renew()));
      return Work([session = session_, renew = FromWire(message.renew())](Service& service) {
        return service.HandleRenew(*session, renew);
      });
    case v1::WorkerMessage::kEvents:
      return DecodeEvents(message.events());
    case v1::WorkerMessage::kProgress:
      return DecodeProgress(message.progress());
    case v1::WorkerMessage::kClosed: {
      const service::Lease lease{message.closed().attempt_id(), message.closed().token()};
      RETURN_IF_ERROR(CheckLease("closed", lease.attempt_id, lease.token));
      return Work(
          [session = session_, lease](Service& service) { return service.HandleClosed(*session, lease); });
    }
    case v1::WorkerMessage::kSlotsChanged: {
      RETURN_IF_ERROR(CheckLimits(message.slots_changed()));
      std::vector<core::Slot> slots;
      for (const v1::Slot& slot : message.slots_changed().slots()) slots.push_back(FromWire(slot));
      return Work([session = session_, slots = std::move(slots)](Service& service) {
        return service.HandleSlots(*session, slots);
      });
    }
    case v1::WorkerMessage::kDraining:
      return Work([session = session_](Service& service) { return service.HandleDraining(*session); });
    default:
      return InvalidArgument("a message that this coordinator does not know");
  }
}

StatusOr<WorkerDialogue::Work> WorkerDialogue::DecodeEvents(const v1::EventBatch& batch) const {
  const service::Lease lease{batch.attempt_id(), batch.token()};
  RETURN_IF_ERROR(CheckLease("events", lease.attempt_id, lease.token));
  const Status allowed = CheckLimits(batch);
  StatusOr<service::Report> report = allowed.ok() ? FromWire(batch) : allowed;
  if (!report.ok()) return Unreadable("events", lease, report.status());
  return Work([session = session_, report = *std::move(report)](Service& service) {
    return service.HandleReport(*session, report);
  });
}

StatusOr<WorkerDialogue::Work> WorkerDialogue::DecodeProgress(const v1::Progress& progress) const {
  const service::Lease lease{progress.attempt_id(), progress.token()};
  RETURN_IF_ERROR(CheckLease("progress", lease.attempt_id, lease.token));
  if (const Status allowed = CheckLimits(progress); !allowed.ok())
    return Unreadable("progress", lease, allowed);
  return Work([session = session_, lease, progress = FromWire(progress)](Service& service) {
    service.HandleProgress(*session, lease, progress);
    return absl::OkStatus();
  });
}

WorkerDialogue::Work WorkerDialogue::Unreadable(const char* message, const service::Lease& lease,
                                                const Status& why) const {
  if (observer_ != nullptr) observer_->MessageRefused(message);
  return [session = session_, lease, why](Service& service) {
    return service.HandleUnreadable(*session, lease, why);
  };
}

WorkerDialogue::Work WorkerDialogue::Close() const {
  return [session = session_](Service& service) {
    return *session > 0 ? service.Disconnect(*session) : absl::OkStatus();
  };
}

}  // namespace lorikeet::rpc
