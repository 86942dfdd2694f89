// What one event of an attempt does: gathered into a Change, or written where it has a table of its own.
#pragma once

#include <string>

#include "coordinator/service/change.h"

namespace lorikeet::service {

// Applies the event to an attempt in granted, running or lost. What a trainer cannot have meant (a split that
// does not exist, a score that is not a number, a result that counts more predictions than came) fails the
// attempt.
Status ApplyEvent(store::Transaction& transaction, Change& change, const std::string& attempt_id,
                  const RetryPolicy& retry, bool worker_drains, const Event& event);

}  // namespace lorikeet::service
