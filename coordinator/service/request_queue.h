// What is asked of the service waits here and is done in turns, in the order in which it came: many requests
// share one commit, and the busier the coordinator is the more do.
//
// While another program has the database locked, what would change something waits, with all behind it; what
// only looks is answered. Not thread-safe: of the thread that owns the service.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/status.h"
#include "coordinator/service/service.h"

namespace lorikeet::service {

struct Request {
  enum class Kind {
    kWorker,  // waits as long as it must: what it brings is not to be lost
    kChange,  // a client's; answered Unavailable once it has waited too long
    kLook,    // a client's, and changes nothing
  };
  Kind kind = Kind::kWorker;
  // Called inside a turn, and again in a later one where it answered Unavailable.
  std::function<Status(Service&)> work;
  // Called once, after the turn has been committed: with what work answered, or why the turn came to nothing.
  std::function<void(const Status&)> done;
  SteadyTime posted{};
};

class RequestQueue {
 public:
  // Service, clock and observer outlive it; `observer` may be null.
  RequestQueue(Service& service, const Clock& clock, Observer* observer = nullptr)
      : service_(service), clock_(clock), observer_(observer) {}

  void Add(Request request);
  // One turn, of as many requests as it takes, and Service::Tick in it. `heard`: what was asked before then
  // has been added. Internal: the service is at its end, and so had better be the process.
  Status RunTurn(SteadyTime heard);
  // Requests are left that another turn could do at once.
  bool busy() const { return !stuck_ && !(changes_.empty() && looks_.empty()); }
  // Answers all that waits with `reason`.
  void Refuse(const Status& reason);

 private:
  using Served = std::vector<std::pair<Request, Status>>;
  void Tell(const Served& served);
  void Serve(std::deque<Request>& waiting, Served& served);
  void RefuseImpatient();

  Service& service_;
  const Clock& clock_;
  Observer* const observer_;
  std::deque<Request> changes_, looks_;
  bool stuck_ = false;
};

}  // namespace lorikeet::service
