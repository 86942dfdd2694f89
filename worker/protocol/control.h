// Control lines: what the worker writes to sweep-trainer's standard input, one JSON object a line.
//
// End-of-file on standard input means that the worker is gone: the trainer ends at once, checkpoint or not.
#pragma once

#include <string>

#include "common/status.h"

namespace lorikeet::protocol {

struct ControlLine {
  enum class Action {
    kCheckpointAndStop,  // drain: write a checkpoint at the next step's end, print Stopped, exit with 0
    kStop,               // cancelled or superseded: leave now, write nothing
  };
  std::string attempt;
  Action action = Action::kStop;
};

// {"attempt":"a-…","action":"checkpoint_and_stop"}
std::string ToLine(const ControlLine& line);
StatusOr<ControlLine> ControlFromLine(const std::string& line);

}  // namespace lorikeet::protocol
