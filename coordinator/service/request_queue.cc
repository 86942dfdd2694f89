#include "coordinator/service/request_queue.h"

#include <algorithm>

#include "coordinator/service/observer.h"

namespace lorikeet::service {
namespace {

// Bounds what one commit holds, and with it how long the first of a turn waits for the last.
constexpr std::size_t kMostRequests = 1024;
constexpr Duration kPatience = std::chrono::seconds(10);

Observer::Asked AskedBy(Request::Kind kind) {
  switch (kind) {
    case Request::Kind::kWorker:
      return Observer::Asked::kWorker;
    case Request::Kind::kChange:
      return Observer::Asked::kChange;
    case Request::Kind::kLook:
      return Observer::Asked::kLook;
  }
  return Observer::Asked::kLook;
}

}  // namespace

void RequestQueue::Add(Request request) {
  (request.kind == Request::Kind::kLook ? looks_ : changes_).push_back(std::move(request));
}

void RequestQueue::Serve(std::deque<Request>& waiting, Served& served) {
  for (std::size_t count = 0; count < kMostRequests && !waiting.empty(); ++count) {
    Status answer = waiting.front().work(service_);
    if (absl::IsUnavailable(answer)) {
      stuck_ = true;
      return;
    }
    served.emplace_back(std::move(waiting.front()), std::move(answer));
    waiting.pop_front();
  }
}

Status RequestQueue::RunTurn(SteadyTime heard) {
  Served served;
  stuck_ = false;
  Status turn = service_.DoTurn([&] {
    Serve(changes_, served);
    Serve(looks_, served);
    if (!changes_.empty()) heard = std::min(heard, changes_.front().posted);
    // Where it cannot expire a lease now, it will in a later turn.
    if (!stuck_) service_.Tick(heard).IgnoreError();
  });
  for (const auto& [request, answer] : served) request.done(turn.ok() ? answer : turn);
  if (observer_ != nullptr) Tell(served);
  if (stuck_) RefuseImpatient();
  return turn;
}

void RequestQueue::Tell(const Served& served) {
  const SteadyTime now = clock_.Steady();
  for (const auto& [request, answer] : served) {
    observer_->Answered(AskedBy(request.kind), now - request.posted);
  }
  observer_->Waiting(changes_.size() + looks_.size());
}

void RequestQueue::RefuseImpatient() {
  const SteadyTime oldest = clock_.Steady() - kPatience;
  const auto waits = [&](const Request& request) {
    return request.kind == Request::Kind::kWorker || request.posted > oldest;
  };
  const auto refused = std::stable_partition(changes_.begin(), changes_.end(), waits);
  std::vector<Request> gone(std::make_move_iterator(refused), std::make_move_iterator(changes_.end()));
  changes_.erase(refused, changes_.end());
  for (const Request& request : gone) {
    request.done(Unavailable("another program has the database locked; try again when it is done"));
  }
}

void RequestQueue::Refuse(const Status& reason) {
  for (std::deque<Request>* waiting : {&changes_, &looks_}) {
    for (const Request& request : std::exchange(*waiting, {})) request.done(reason);
  }
}

}  // namespace lorikeet::service
