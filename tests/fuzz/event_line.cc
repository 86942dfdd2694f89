// The lines between worker and trainer, both ways: what is accepted is written and read the same again.
#include "tests/fuzz/fuzz.h"
#include "worker/protocol/control.h"
#include "worker/protocol/events.h"

namespace lorikeet::fuzz {
namespace {

// Compared as lines: numbers that are none are not equal to themselves.
template <typename Line>
void Check(const std::string& input, StatusOr<Line> (*read)(const std::string&)) {
  const StatusOr<Line> line = read(input);
  if (!line.ok()) return RequireRefusal(line.status());
  const std::string text = protocol::ToLine(*line);
  Require(text.find('\n') == std::string::npos, "a line is one line");
  const StatusOr<Line> again = read(text);
  RequireOk(again.status(), "a line is read as it was written");
  Require(again->attempt == line->attempt, "a line keeps its attempt");
  Require(protocol::ToLine(*again) == text, "a line is the same when it is read again");
}

}  // namespace

void TryInput(std::string_view input) {
  const std::string line(input);
  Check(line, &protocol::EventFromLine);
  Check(line, &protocol::ControlFromLine);
}

}  // namespace lorikeet::fuzz
