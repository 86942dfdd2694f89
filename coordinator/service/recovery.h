// Rebuilds the state from the database, before anybody is served.
#pragma once

#include "coordinator/service/change.h"

namespace lorikeet::service {

// Live leases get their full length from now; workers count as disconnected until they are back. Internal
// where the database contradicts itself, which no transaction of ours leaves behind.
Status Recover(Context& context);

}  // namespace lorikeet::service
