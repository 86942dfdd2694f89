// The history, as it is written to the log: what goes wrong as warnings, what comes and goes as information,
// and what every trial does (granted, started, checkpoint, succeeded) for those who ask for it by --log-level
// debug.
#pragma once

#include "coordinator/core/types.h"

namespace lorikeet::service {

void LogHistory(const core::HistoryEvent& event);

}  // namespace lorikeet::service
