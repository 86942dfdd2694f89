#include "sweeps/spec/keep.h"

#include "common/nearest.h"
#include "sweeps/spec/keys.h"
#include "sweeps/spec/mapping.h"
#include "sweeps/spec/quantity.h"

namespace lorikeet::spec {
namespace {

using Time = std::optional<std::chrono::milliseconds>;

constexpr const char* kForever = "forever";

Time ReadTime(const Value& value, Time otherwise) {
  const bool is_word = value.node.IsScalar();
  if (is_word && value.node.Scalar() == kForever) return CheckTag(value) ? Time() : otherwise;
  if (is_word && !ParseDuration(value.node.Scalar())) {
    static const std::vector<std::string> kChoices = {kForever};
    value.Refuse("forever, or a time after the sweep's end, such as 30d or 12h" +
                 DidYouMean(value.node.Scalar(), kChoices));
    return otherwise;
  }
  const Time time = ReadDuration(value, std::chrono::milliseconds(0));
  return time ? time : otherwise;
}

}  // namespace

Keep ReadKeep(const Value& value) {
  Keep keep;
  // `best` and `last` are what train.keep takes.
  if (value.node.IsScalar() && !value.IsNull()) {
    value.Refuse(
        "a mapping of checkpoints, artifacts and logs, such as {artifacts: 30d}; which weights a trial keeps "
        "is said by "
        "train.keep");
    return keep;
  }
  const Mapping mapping = Mapping::ReadDeclared(value, KeepKeys());
  if (const Value* time = mapping.Find("checkpoints")) keep.checkpoints = ReadTime(*time, keep.checkpoints);
  if (const Value* time = mapping.Find("artifacts")) keep.artifacts = ReadTime(*time, keep.artifacts);
  if (const Value* time = mapping.Find("logs")) keep.logs = ReadTime(*time, keep.logs);
  return keep;
}

}  // namespace lorikeet::spec
