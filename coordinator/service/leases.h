// Leases: granted by the scheduler's plan, renewed by workers, expired by time.
//
// Not thread-safe: the service's.
#pragma once

#include <vector>

#include "coordinator/scheduler/plan.h"
#include "coordinator/service/change.h"

namespace lorikeet::service {

class Leases {
 public:
  explicit Leases(Context& context) : context_(context), last_tick_(context.clock.Steady()) {}

  // Answers with those that go on. A lost attempt whose token is still the newest goes on too.
  Status HandleRenew(std::int64_t session, const Renew& renew);
  // Ends leases that ran out before `heard`. A coordinator that stood still itself gives every lease its full
  // length anew: the renewals may lie in its sockets.
  Status Expire(SteadyTime heard);
  // Grants what the scheduler plans, where something has changed since it last did and the disk has room.
  Status GrantPlanned();

 private:
  // Whether the disk has its reserve, as of some seconds ago at most.
  bool HasRoom();
  // Fails those of a plan that have been interrupted too often, and takes them out; whether there were any.
  StatusOr<bool> GiveUpOn(std::vector<scheduler::Grant>& plan);
  Status Prepare(const scheduler::Grant& planned, Grant& grant, Change& change);

  Context& context_;
  SteadyTime last_tick_;
};

}  // namespace lorikeet::service
