// Leases: granted by the scheduler's plan, renewed by workers, expired by time.
//
// Not thread-safe: under the service's mutex.
#pragma once

#include "coordinator/scheduler/plan.h"
#include "coordinator/service/change.h"

namespace lorikeet::service {

class Leases {
 public:
  explicit Leases(Context& context) : context_(context), last_tick_(context.clock.Steady()) {}

  // Answers with those that go on. A lost attempt whose token is still the newest goes on too.
  Status HandleRenew(std::int64_t session, const Renew& renew);
  // Ends leases that have run out. A coordinator that stood still itself gives every lease its full length
  // anew: the renewals may lie in its sockets.
  Status Expire();
  // Grants what the scheduler plans, in one transaction.
  Status GrantPlanned();

 private:
  Status Prepare(const scheduler::Grant& planned, Grant& grant, Change& change);

  Context& context_;
  SteadyTime last_tick_;
};

}  // namespace lorikeet::service
