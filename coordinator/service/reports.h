// What attempts report: committed exactly once, in order, and only by the holder of the newest token.
//
// Not thread-safe: the service's.
#pragma once

#include <string>

#include "coordinator/service/change.h"

namespace lorikeet::service {

class Reports {
 public:
  explicit Reports(Context& context) : context_(context) {}

  // In one transaction: the fence, the effects of the events that are new, and the number of the last. Then
  // Ack.
  // - Events up to the committed number are passed over and acknowledged again.
  // - A stale token, an attempt that nobody knows, or more of one that is over: Ack with superseded.
  // - A hole in the numbers where the next event should be: FailedPrecondition, no Ack; the worker's new
  // session
  //   learns the committed number and sends from there.
  // - What the database cannot take (a constraint of its): as Refuse.
  // - An attempt whose host's files are not the sweep's: it is over; Ack with superseded.
  // - A session that is over: Aborted.
  Status Handle(std::int64_t session, const Report& report);
  // What an attempt says cannot be understood, or not be stored: it has failed as crashed where its token
  // still counts. Ack with superseded either way, so that its worker ends it and says no more of it.
  Status Refuse(std::int64_t session, const Lease& lease, const Status& why);
  // For people; kept in memory alone.
  void HandleProgress(std::int64_t session, const Lease& lease, const Progress& progress);

 private:
  struct Outcome {
    Ack ack;
    bool ended = false;                  // the attempt
    std::int64_t documents_scored = -1;  // of a result, over both splits
  };
  Status Accept(store::Transaction& transaction, Change& change, const Session& session, const Report& report,
                Outcome& outcome) const;
  void AfterCommit(const Report& report, const Outcome& outcome, const std::string& trial_id,
                   std::optional<SteadyTime> granted_at);

  Context& context_;
};

}  // namespace lorikeet::service
