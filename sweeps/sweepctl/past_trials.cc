#include "sweeps/sweepctl/past_trials.h"

#include <algorithm>
#include <cmath>

#include "sweeps/export/lines.h"

namespace lorikeet::sweepctl {
namespace {

using exporting::Json;
using exporting::Text;

double Number(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

}  // namespace

void PastTrials::Add(const std::string& sweep, const Json& line) {
  if (!line.is_object() || Text(line, "type") != "run") return;
  const auto result = line.find("result");
  if (result == line.end() || !result->is_object()) return;
  const double speed = Number(*result, "tokens_per_second");
  if (!(speed > 0) || !std::isfinite(speed)) return;
  const bool on_gpu = Text(*result, "device").rfind("cuda", 0) == 0;
  Speeds& speeds = speeds_[{.method = Text(line, "arm"),
                            .model_fingerprint = Text(*result, "model_fingerprint"),
                            .device_model = Text(*result, "device_model"),
                            .precision = Text(*result, "precision"),
                            .threads = on_gpu ? 0 : static_cast<std::int64_t>(Number(*result, "threads"))}];
  speeds.tokens_per_second.push_back(speed);
  speeds.sweeps.insert(sweep);
}

std::optional<PastSpeed> PastTrials::Of(const TrialKind& kind) const {
  const auto found = speeds_.find(kind);
  if (found == speeds_.end() || kind.model_fingerprint.empty()) return std::nullopt;
  std::vector<double> values = found->second.tokens_per_second;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return PastSpeed{
      .trials = static_cast<std::int64_t>(values.size()),
      .sweeps = found->second.sweeps,
      .tokens_per_second = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2};
}

}  // namespace lorikeet::sweepctl
