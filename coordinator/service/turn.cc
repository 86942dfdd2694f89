#include "coordinator/service/turn.h"

#include "coordinator/service/history_log.h"

namespace lorikeet::service {
namespace {

bool IsTheMachines(const Status& status) {
  return absl::IsInternal(status) || absl::IsResourceExhausted(status) || absl::IsUnavailable(status);
}

}  // namespace

Status Turn::Part(const std::function<Status(store::Transaction&)>& body) {
  RETURN_IF_ERROR(failure_);
  if (transaction_ == nullptr) {
    StatusOr<store::Transaction*> begun = store_.Begin();
    if (!begun.ok()) return failure_ = begun.status();
    transaction_ = *begun;
  }
  Status outcome = transaction_->Part([&] { return body(*transaction_); });
  if (IsTheMachines(outcome)) failure_ = outcome;
  return outcome;
}

void Turn::Send(std::shared_ptr<WorkerConnection> connection, ToWorker message) {
  const auto [at, is_new] = places_.try_emplace(connection.get(), outbox_.size());
  if (is_new) outbox_.emplace_back(std::move(connection), std::vector<ToWorker>());
  outbox_[at->second].second.push_back(std::move(message));
}

Status Turn::End() {
  auto outbox = std::exchange(outbox_, {});
  places_.clear();
  const Tally tally = std::exchange(tally_, {});
  const auto history = std::exchange(history_, {});
  const std::vector<std::string> removed = std::exchange(removed_, {});
  Status failure = std::exchange(failure_, absl::OkStatus());
  if (std::exchange(transaction_, nullptr) != nullptr) {
    if (!failure.ok()) {
      store_.Rollback();
      return failure;
    }
    const SteadyTime begun = clock_.Steady();
    RETURN_IF_ERROR(store_.Commit());
    if (observer_ != nullptr) observer_->Committed(tally, clock_.Steady() - begun);
    for (const core::HistoryEvent& event : history) LogHistory(event);
  } else if (!absl::IsUnavailable(failure)) {
    RETURN_IF_ERROR(failure);
  }
  if (remove_files_) {
    for (const std::string& path : removed) remove_files_(path);
  }
  for (auto& [connection, messages] : outbox) connection->SendAll(std::move(messages));
  return absl::OkStatus();
}

}  // namespace lorikeet::service
