// A sweep file: what is accepted makes trials that are valid and read back; what is refused says where.
#include <algorithm>
#include <charconv>
#include <set>
#include <string>
#include <vector>

#include "sweeps/spec/spec.h"
#include "tests/fuzz/fuzz.h"

namespace lorikeet::fuzz {
namespace {

constexpr std::int64_t kMostTrials = 2000;

spec::ParseOptions Options() {
  spec::ParseOptions options;
  options.file = "s.yaml";
  options.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "DATA") return "/data";
    return std::nullopt;
  };
  options.most_trials = kMostTrials;
  return options;
}

// "s.yaml:LINE:COLUMN: what", of a place in the file, or of its end.
void CheckMistake(std::string_view mistake, std::int64_t lines) {
  const auto number = [&](std::string_view until) {
    std::int64_t value = 0;
    const char* const begin = mistake.data();
    const auto [end, error] = std::from_chars(begin, begin + mistake.size(), value);
    const bool read = error == std::errc() && value >= 1;
    if (!read) Require(false, fmt::format("a mistake has its place: '{}'", mistake));
    mistake.remove_prefix(static_cast<std::size_t>(end - begin));
    Require(mistake.starts_with(until), "a mistake's place ends as it should");
    mistake.remove_prefix(until.size());
    return value;
  };
  if (!mistake.starts_with("s.yaml:")) Require(false, fmt::format("a mistake names the file: '{}'", mistake));
  mistake.remove_prefix(7);
  const std::int64_t line = number(":");
  Require(line <= lines + 1, "a mistake's line is one of the file");
  number(": ");
  Require(!mistake.empty(), "a mistake is told");
}

void CheckRefusal(const Status& status, std::int64_t lines) {
  RequireRefusal(status, "s.yaml:");
  const std::string message = Message(status);
  for (std::size_t at = 0; at <= message.size();) {
    const std::size_t end = std::min(message.find('\n', at), message.size());
    CheckMistake(std::string_view(message).substr(at, end - at), lines);
    at = end + 1;
  }
}

void CheckConfigurations(const spec::Sweep& sweep) {
  std::set<std::string> names;
  int baselines = 0;
  for (const spec::Configuration& configuration : sweep.configurations) {
    Require(names.insert(configuration.name).second, "configurations have names of their own");
    if (!configuration.baseline) continue;
    ++baselines;
    Require(configuration.name == sweep.baseline, "the baseline has its name");
  }
  Require(baselines == 1, "one configuration is the baseline");
}

void CheckTrials(const spec::Sweep& sweep) {
  const std::vector<spec::PlannedTrial> trials = spec::ExpandTrials(sweep);
  Require(!trials.empty() && static_cast<std::int64_t>(trials.size()) <= kMostTrials,
          "there are trials, and no more than may be");
  Require(spec::TrialCount(sweep) == static_cast<std::int64_t>(trials.size()), "trials are counted");
  std::set<std::string> names;
  for (const spec::PlannedTrial& planned : trials) {
    Require(names.insert(planned.name).second, "trials have names of their own");
    if (names.size() > 100) continue;  // the others are like them
    const Trial trial = spec::TrialOf(sweep, planned);
    RequireOk(Validate(trial), "a sweep's trial is valid");
    const StatusOr<Trial> again = TrialFromJson(ToJson(trial));
    RequireOk(again.status(), "a trial is read as it was written");
    Require(*again == trial, "a trial is the same when it is read again");
  }
}

}  // namespace

void TryInput(std::string_view input) {
  const std::string yaml(input);
  const StatusOr<spec::Sweep> sweep = spec::ParseSweep(yaml, Options());
  if (!sweep.ok()) return CheckRefusal(sweep.status(), std::count(yaml.begin(), yaml.end(), '\n') + 1);
  CheckConfigurations(*sweep);
  CheckTrials(*sweep);
  Require(sweep->fingerprint.size() == 64, "a sweep has its fingerprint");
  if (yaml.starts_with("\xEF\xBB\xBF")) return;  // it stands at the very beginning, or nowhere
  const StatusOr<spec::Sweep> commented = spec::ParseSweep("# a comment\n" + yaml, Options());
  RequireOk(commented.status(), "a comment spoils nothing");
  Require(commented->fingerprint == sweep->fingerprint, "a comment changes no fingerprint");
}

}  // namespace lorikeet::fuzz
