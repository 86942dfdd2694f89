// The workers' sessions: who is connected, with which slots, and what of it is taken.
//
// Not thread-safe: the service's. A session that is over (replaced, disconnected) is unknown
// here, and what still comes through it is refused.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "coordinator/service/change.h"

namespace lorikeet::service {

class Sessions {
 public:
  explicit Sessions(Context& context) : context_(context) {}

  // Opens a session and sends Welcome. Attempts that the worker holds with their trial's newest token go on,
  // with their full lease; those that it should hold and does not are lost at once.
  StatusOr<std::int64_t> Connect(const Hello& hello, const std::shared_ptr<WorkerConnection>& connection);
  // Frees the slots that the attempt's process had.
  void Closed(std::int64_t session, const Lease& lease);
  Status Draining(std::int64_t session);
  // How all of the worker's slots stand now, in the order of its Hello.
  Status SlotsChanged(std::int64_t session, const std::vector<core::Slot>& slots);
  // Leases run on: the worker may come back.
  Status Disconnect(std::int64_t session);

 private:
  Status Record(const Hello& hello, std::int64_t session, Welcome& welcome, Change& change);
  Status SortHeld(const Hello& hello, Welcome& welcome, Change& change);
  void OfferSlots(const Hello& hello);

  Context& context_;
};

}  // namespace lorikeet::service
