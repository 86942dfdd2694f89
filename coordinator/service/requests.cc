#include "coordinator/service/requests.h"

#include <optional>

namespace lorikeet::service {
namespace {

// A client gives up within minutes; a person looks into a log the next day.
constexpr std::chrono::hours kKeep{24};

}  // namespace

StatusOr<std::string> Requests::Once(const RequestKey& key,
                                     const std::function<StatusOr<std::string>()>& work) {
  if (key.id.empty()) return work();
  std::optional<store::AnsweredRequest> known;
  RETURN_IF_ERROR(context_.turn.Part([&](store::Transaction& transaction) -> Status {
    ASSIGN_OR_RETURN(known, transaction.FindRequest(key.id));
    return absl::OkStatus();
  }));
  if (known) {
    if (known->fingerprint == key.fingerprint) return known->answer;
    return InvalidArgument("request_id {}: it was used for another request; each has an id of its own",
                           key.id);
  }
  ASSIGN_OR_RETURN(std::string answer, work());
  const WallTime now = context_.clock.Wall();
  RETURN_IF_ERROR(context_.turn.Part([&](store::Transaction& transaction) {
    return transaction.InsertRequest({.id = key.id, .fingerprint = key.fingerprint, .answer = answer}, now,
                                     now - kKeep);
  }));
  return answer;
}

}  // namespace lorikeet::service
