#include "worker/protocol/control.h"

#include "worker/protocol/lines.h"

namespace lorikeet::protocol {

std::string ToLine(const ControlLine& line) {
  LineWriter writer;
  writer("attempt", line.attempt);
  writer("action", std::string(line.action == ControlLine::Action::kCheckpointAndStop ? "checkpoint_and_stop"
                                                                                      : "stop"));
  return writer.Line();
}

StatusOr<ControlLine> ControlFromLine(const std::string& line) {
  ASSIGN_OR_RETURN(const nlohmann::json object, ParseLine(line));
  LineReader reader(object);
  ControlLine read;
  std::string action;
  reader("attempt", read.attempt);
  reader.OneOf("action", action, {"checkpoint_and_stop", "stop"});
  RETURN_IF_ERROR(reader.Outcome());
  read.action =
      action == "checkpoint_and_stop" ? ControlLine::Action::kCheckpointAndStop : ControlLine::Action::kStop;
  return read;
}

}  // namespace lorikeet::protocol
