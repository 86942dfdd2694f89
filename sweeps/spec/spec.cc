#include "sweeps/spec/spec.h"

#include <algorithm>
#include <exception>
#include <sstream>
#include <utility>

#include "common/files.h"
#include "common/nearest.h"
#include "sweeps/spec/arms.h"
#include "sweeps/spec/document.h"
#include "sweeps/spec/expand.h"
#include "sweeps/spec/file_checks.h"
#include "sweeps/spec/fingerprint.h"
#include "sweeps/spec/keep.h"
#include "sweeps/spec/keys.h"
#include "sweeps/spec/mapping.h"
#include "sweeps/spec/mistakes.h"
#include "sweeps/spec/paths.h"
#include "sweeps/spec/retry.h"
#include "sweeps/spec/sections.h"
#include "sweeps/spec/tune.h"

namespace lorikeet::spec {
namespace {

constexpr const char* kDefaultBaseline = "full";

// What the file names as baseline, and where.
struct Baseline {
  std::string text = kDefaultBaseline;
  std::string arm = kDefaultBaseline;  // its first word
  Value value;                         // where to report what is wrong with it
  bool given = false;
};

// Value of a section, reported at its key where something is missing in it.
Value AtKey(const Mapping& mapping, std::string_view key) {
  for (const Mapping::Entry& entry : mapping.entries()) {
    if (entry.key != key) continue;
    Value value = entry.value;
    value.at = entry.at;
    return value;
  }
  return {};
}

// Everything that the trials share; what the same sections say of the whole sweep goes into `sweep`.
Trial ReadBase(const Mapping& file, const TrainSection& train, const PathRules& rules, Sweep& sweep) {
  Trial base;
  if (const Value* name = file.Require("sweep", "the sweep's name, such as pubmed-lora")) {
    base.sweep = ReadSweepName(*name).value_or("");
  }
  if (const Value* model = file.Require("model", "a Hugging Face directory"))
    base.model = ReadModel(*model, rules);
  if (file.Require("data", "the documents: train, validation and test") != nullptr) {
    base.data = ReadData(AtKey(file, "data"), rules);
  }
  Apply(train.settings, base);
  if (file.Find("evaluate") != nullptr) {
    base.evaluate = ReadEvaluate(AtKey(file, "evaluate"), sweep.verdict);
  }
  if (file.Find("resources") != nullptr) {
    base.resources = ReadResources(AtKey(file, "resources"), sweep.labels);
  }
  if (const Value* limit = file.Find("time_limit")) {
    if (const auto duration = ReadDuration(*limit, file.TypeOf("time_limit"))) {
      base.time_limit_seconds = std::chrono::duration<double>(*duration).count();
    }
  }
  return base;
}

// `rows_are_known`: what is tuned, and so how many rows an arm has, was read without mistakes.
Baseline ReadBaseline(const Mapping& file, const Value& arms_value, const std::vector<Arm>& arms,
                      bool rows_are_known) {
  Baseline baseline;
  baseline.value = arms_value;
  std::vector<std::string> names;
  names.reserve(arms.size());
  for (const Arm& arm : arms) names.push_back(MethodName(arm.method));
  if (const Value* value = file.Find("baseline")) {
    baseline.given = true;
    baseline.value = *value;
    const std::optional<std::string> text = ReadText(*value, "an arm of this file, such as full");
    if (!text) return baseline;
    baseline.text = *text;
    baseline.arm = text->substr(0, text->find(' '));
  }
  const auto arm = std::find_if(arms.begin(), arms.end(),
                                [&](const Arm& a) { return MethodName(a.method) == baseline.arm; });
  if (arm == arms.end()) {
    if (names.empty()) return baseline;  // arms has its own mistake
    if (baseline.given) {
      baseline.value.Refuse(
          fmt::format("an arm of this file ({}){}", fmt::join(names, ", "), DidYouMean(baseline.arm, names)));
    } else {
      arms_value.mistakes->Add(
          arms_value.at,
          fmt::format("arms: no arm full, which is the baseline unless the file says otherwise: add "
                      "it, or name another, such as baseline: {}",
                      names.front()));
    }
    return baseline;
  }
  const std::optional<std::int64_t> rows = CountRows(*arm);
  if (baseline.text == baseline.arm && rows != 1 && rows_are_known) {
    const std::string count = rows ? std::to_string(*rows) : "too many";
    std::string first = baseline.arm;
    for (const Axis& axis : arm->axes) {
      if (!axis.values.empty() && !axis.tuned)
        first += fmt::format(" {}={}", axis.name, axis.values.front().text);
    }
    const std::string what = fmt::format(
        "the arm {} has {} configurations, and a baseline is one: one value on each of its axes, or one "
        "configuration by its "
        "name, such as '{}'",
        baseline.arm, count, first);
    if (baseline.given) {
      baseline.value.Refuse(what);
    } else {
      arms_value.mistakes->Add(arm->at, "baseline: " + what);
    }
  }
  return baseline;
}

void CheckCount(const Value& arms_value, const std::vector<Arm>& arms, const Sweep& sweep,
                std::int64_t most) {
  const std::optional<std::int64_t> trials =
      CountTrials(arms, std::max<std::int64_t>(1, static_cast<std::int64_t>(sweep.seeds.size())),
                  static_cast<std::int64_t>(sweep.tune.seeds.size()));
  if (trials && *trials <= most) return;
  arms_value.mistakes->Add(arms_value.at,
                           fmt::format("arms: {} trials (configurations × seeds): at most {}",
                                       trials ? std::to_string(*trials) : "more than 9e18", most));
}

// Names the baseline among the configurations.
void MarkBaseline(const Baseline& baseline, Sweep& sweep) {
  std::vector<std::string> names;
  for (Configuration& configuration : sweep.configurations) {
    if (configuration.arm != baseline.arm) break;  // its arm comes first
    if (configuration.name == baseline.text || baseline.text == baseline.arm) {
      configuration.baseline = true;
      sweep.baseline = configuration.name;
      return;
    }
    names.push_back(configuration.name);
  }
  baseline.value.Refuse(fmt::format("a configuration of {}, such as '{}'{}", baseline.arm,
                                    names.empty() ? "" : names[0], DidYouMean(baseline.text, names)));
}

// Combinations that no single value shows: the same message once an arm.
void CheckConfigurations(const Sweep& sweep, const std::vector<Arm>& arms, bool check_files,
                         Mistakes& mistakes) {
  for (const Configuration& configuration : sweep.configurations) {
    if (configuration.tries > 1) continue;  // its candidates are looked at
    Status status = Validate(configuration.trial);
    if (status.ok() && check_files) status = CheckAdapterFits(configuration.trial);
    if (status.ok()) continue;
    const auto arm = std::find_if(arms.begin(), arms.end(),
                                  [&](const Arm& a) { return a.method == configuration.trial.method; });
    std::istringstream lines(Message(status));
    for (std::string line; std::getline(lines, line);) {
      mistakes.Add(arm->at, fmt::format("arms.{}: '{}': {}", configuration.arm, configuration.name, line));
    }
    if (mistakes.size() > 100) return;  // a grid of wrong combinations says no more
  }
}

StatusOr<Sweep> Parse(const std::string& yaml, const ParseOptions& options) {
  Mistakes mistakes(options.file.empty() ? "sweep file" : options.file);
  const std::optional<Value> document = LoadDocument(yaml, mistakes);
  if (!document) return mistakes.ToStatus();
  const Mapping file = Mapping::ReadDeclared(*document, FileKeys());
  const TrainSection train = file.Find("train") != nullptr ? ReadTrain(AtKey(file, "train")) : TrainSection{};
  const PathRules rules{FolderOf(options.file), options.environment, options.check_files};
  Sweep sweep;
  const Trial base = ReadBase(file, train, rules, sweep);
  sweep.name = base.sweep;
  sweep.text = yaml;
  sweep.resources = base.resources;
  if (file.Find("retry") != nullptr) sweep.retry = ReadRetry(AtKey(file, "retry"));
  if (file.Find("keep") != nullptr) sweep.keep = ReadKeep(AtKey(file, "keep"));
  if (const Value* priority = file.Find("priority")) {
    sweep.priority = ReadInteger(*priority, file.TypeOf("priority")).value_or(0);
  }
  if (const Value* most = file.Find("max_running"))
    sweep.max_running = ReadInteger(*most, file.TypeOf("max_running"));
  if (const Value* seeds = file.Require("seeds", "a list, such as [1, 2, 3]"))
    sweep.seeds = ReadSeeds(*seeds);

  std::vector<Arm> arms;
  Baseline baseline;
  if (file.Require("arms", "what is compared: full, lora, prompt, zero_shot, lead") != nullptr) {
    const Value value = AtKey(file, "arms");
    arms = ReadArms(value, base, train, rules);
    if ((value.IsMapping() && value.node.size() == 0) || value.IsNull()) {
      value.Refuse("at least one of full, lora, prompt, zero_shot, lead");
    }
    const std::size_t before = mistakes.size();
    if (file.Find("tune") != nullptr) sweep.tune = ReadTune(AtKey(file, "tune"), sweep.seeds, arms);
    baseline = ReadBaseline(file, value, arms, mistakes.size() == before);
    CheckCount(value, arms, sweep, options.most_trials);
  }
  if (!mistakes.empty()) return mistakes.ToStatus();

  sweep.configurations = ExpandArms(arms, base, baseline.arm);
  sweep.notes = DescribeDifferences(arms, base);
  MarkBaseline(baseline, sweep);
  CheckConfigurations(sweep, arms, options.check_files, mistakes);
  RETURN_IF_ERROR(mistakes.ToStatus());
  sweep.fingerprint = FingerprintOf(sweep);
  return sweep;
}

}  // namespace

StatusOr<Sweep> ParseSweep(const std::string& yaml, const ParseOptions& options) {
  // yaml-cpp throws where a node is not what it is taken for; none is, but the promise is to never throw.
  try {
    return Parse(yaml, options);
  } catch (const std::exception& exception) {
    return Internal("{}: {}", options.file, exception.what());
  }
}

StatusOr<Sweep> LoadSweep(const std::string& file, bool check_files) {
  ASSIGN_OR_RETURN(const std::string yaml, ReadFile(file));
  return ParseSweep(yaml, {.file = file, .environment = ProcessEnvironment(), .check_files = check_files});
}

std::int64_t TrialCount(const Sweep& sweep) {
  std::int64_t trials = 0;
  for (const Configuration& configuration : sweep.configurations) {
    const std::vector<std::int64_t>& seeds = configuration.candidate_of ? sweep.tune.seeds : sweep.seeds;
    trials += Trains(configuration.trial.method) ? static_cast<std::int64_t>(seeds.size()) : 1;
  }
  return trials;
}

std::vector<PlannedTrial> ExpandTrials(const Sweep& sweep) {
  std::vector<PlannedTrial> trials;
  trials.reserve(static_cast<std::size_t>(TrialCount(sweep)));
  const std::vector<Configuration>& configurations = sweep.configurations;
  for (std::size_t i = 0; i < configurations.size(); ++i) {
    if (!Trains(configurations[i].trial.method)) trials.push_back({configurations[i].name, i, 0});
  }
  const auto add = [&](const std::vector<std::int64_t>& seeds, bool candidates) {
    for (const std::int64_t seed : seeds) {
      // The baseline first even where it is not the first configuration of its arm.
      for (const bool baseline : {true, false}) {
        for (std::size_t i = 0; i < configurations.size(); ++i) {
          const Configuration& one = configurations[i];
          const bool of_baseline = (one.candidate_of ? configurations[*one.candidate_of] : one).baseline;
          if (of_baseline != baseline || !Trains(one.trial.method) ||
              one.candidate_of.has_value() != candidates)
            continue;
          trials.push_back({fmt::format("{} seed={}", one.name, seed), i, seed});
        }
      }
    }
  };
  add(sweep.tune.seeds, true);
  add(sweep.seeds, false);
  return trials;
}

Trial TrialOf(const Sweep& sweep, const PlannedTrial& planned) {
  Trial trial = sweep.configurations.at(planned.configuration).trial;
  trial.seed = planned.seed;
  return trial;
}

}  // namespace lorikeet::spec
