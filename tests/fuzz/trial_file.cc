// A trial file: what is accepted is valid and reads back; what is refused says which key.
#include "sweeps/trial/trial.h"
#include "tests/fuzz/fuzz.h"

namespace lorikeet::fuzz {

void TryInput(std::string_view input) {
  const StatusOr<Trial> trial = TrialFromJson(std::string(input));
  if (!trial.ok()) return RequireRefusal(trial.status());
  RequireOk(Validate(*trial), "a trial that was read is valid");
  const std::string text = ToJson(*trial);
  const StatusOr<Trial> again = TrialFromJson(text);
  RequireOk(again.status(), "a trial is read as it was written");
  Require(*again == *trial, "a trial is the same when it is read again");
  Require(ToJson(*again) == text, "the same trial gives the same text");
}

}  // namespace lorikeet::fuzz
