#include "coordinator/service/submission.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "coordinator/core/state_machine.h"
#include "coordinator/service/attempts.h"
#include "coordinator/service/lookup.h"

namespace lorikeet::service {
namespace {

std::vector<std::pair<std::string, std::string>> Pairs(const std::vector<spec::AxisValue>& values) {
  std::vector<std::pair<std::string, std::string>> pairs;
  pairs.reserve(values.size());
  for (const spec::AxisValue& value : values) pairs.emplace_back(value.axis, value.value);
  return pairs;
}

struct Rows {
  core::Sweep sweep;
  std::vector<core::Configuration> configurations;
  std::vector<core::Trial> trials;
};

Rows MakeRows(const spec::Sweep& from, RandomSource& random, WallTime now) {
  Rows rows;
  rows.sweep.id = NewId("s", random);
  rows.sweep.name = from.name;
  rows.sweep.fingerprint = from.fingerprint;
  rows.sweep.text = from.text;
  rows.sweep.baseline = from.baseline;
  rows.sweep.retry = from.retry;
  rows.sweep.priority = from.priority;
  rows.sweep.keep = from.keep;
  rows.sweep.max_running = from.max_running;
  rows.sweep.labels = from.labels;
  rows.sweep.seeds = from.seeds;
  rows.sweep.notes = from.notes;
  rows.sweep.verdict = from.verdict;
  rows.sweep.tune = from.tune;
  rows.sweep.submitted_at = now;
  for (const spec::Configuration& configuration : from.configurations) {
    core::Configuration row;
    row.sweep_id = rows.sweep.id;
    row.position = static_cast<std::int64_t>(rows.configurations.size());
    row.name = configuration.name;
    row.arm = configuration.arm;
    row.axes = Pairs(configuration.axes);
    row.settings = Pairs(configuration.settings);
    row.baseline = configuration.baseline;
    row.trial = ToJson(configuration.trial);
    row.tries = configuration.tries;
    // Its row's place and one more, until the store gives ids.
    if (configuration.candidate_of)
      row.candidate_of = static_cast<std::int64_t>(*configuration.candidate_of) + 1;
    if (!row.baseline && row.candidate_of == 0 && Trains(configuration.trial.method)) ++rows.sweep.family;
    rows.configurations.push_back(std::move(row));
  }
  IdSeries ids("t", random);
  for (const spec::PlannedTrial& planned : spec::ExpandTrials(from)) {
    const ResourceSettings& resources = from.configurations[planned.configuration].trial.resources;
    core::Trial row;
    row.id = ids.Next();
    row.sweep_id = rows.sweep.id;
    // Its place, until the store gives one.
    row.configuration_id = static_cast<std::int64_t>(planned.configuration);
    row.position = static_cast<std::int64_t>(rows.trials.size());
    row.name = planned.name;
    row.seed = planned.seed;
    row.slots = std::max<std::int64_t>(1, resources.gpus);
    row.needs_gpu = resources.gpus > 0;
    rows.trials.push_back(std::move(row));
    ++rows.configurations[planned.configuration].planned;
  }
  rows.sweep.trials = static_cast<std::int64_t>(rows.trials.size());
  return rows;
}

std::string TextOf(std::optional<std::int64_t> count) { return count ? std::to_string(*count) : "unset"; }

// What changes no result may differ in a file that is submitted again, and does not change what is there.
void WarnOfWhatItKeeps(const core::Sweep& existing, const spec::Sweep& file,
                       std::vector<std::string>& warnings) {
  if (existing.priority != file.priority) {
    warnings.push_back(fmt::format(
        "it keeps its priority of {0}, where the file now says {1}; 'sweepctl priority {2} {1}' changes it",
        existing.priority, file.priority, existing.name));
  }
  if (existing.max_running != file.max_running) {
    warnings.push_back(fmt::format("it keeps its max_running, {}, where the file now says {}",
                                   TextOf(existing.max_running), TextOf(file.max_running)));
  }
  if (existing.keep != file.keep) {
    warnings.push_back(
        "it keeps what it leaves as long as it was submitted with, where 'keep' in the file now says "
        "otherwise");
  }
  if (existing.labels != file.labels) {
    warnings.push_back(fmt::format("it keeps its resources.labels ({}), where the file now says ({})",
                                   FormatLabels(existing.labels), FormatLabels(file.labels)));
  }
}

}  // namespace

StatusOr<Submitted> Submission::Submit(const spec::Sweep& sweep) {
  State& state = context_.state;
  if (const std::string* id = state.SweepIdByName(sweep.name); id != nullptr) {
    const core::Sweep& existing = state.FindSweep(*id)->sweep;
    if (existing.fingerprint != sweep.fingerprint) {
      return MakeStatus(
          absl::StatusCode::kAlreadyExists,
          "there is a sweep '{}' ({}) with other content; give this one another name in its 'sweep:' "
          "line, or look at that one with 'sweepctl status {}'",
          sweep.name, existing.id, sweep.name);
    }
    Submitted submitted{.sweep_id = existing.id,
                        .name = existing.name,
                        .existing = true,
                        .trials = existing.trials,
                        .warnings = {}};
    WarnOfWhatItKeeps(existing, sweep, submitted.warnings);
    if (existing.state == core::SweepState::kCancelled) {
      submitted.warnings.push_back("it was cancelled; 'sweepctl retry " + existing.name + "' runs it again");
    }
    return submitted;
  }
  ASSIGN_OR_RETURN(std::vector<std::string> warnings, CheckWorkers(sweep));
  Rows rows = MakeRows(sweep, context_.random, context_.clock.Wall());
  const auto body = [&](store::Transaction& transaction, Change& change) -> Status {
    RETURN_IF_ERROR(transaction.InsertSweep(rows.sweep));
    for (core::Configuration& row : rows.configurations) {
      if (row.candidate_of != 0)
        row.candidate_of = rows.configurations[static_cast<std::size_t>(row.candidate_of - 1)].id;
      ASSIGN_OR_RETURN(row.id, transaction.InsertConfiguration(row));
    }
    for (core::Trial& row : rows.trials) {
      row.configuration_id = rows.configurations[static_cast<std::size_t>(row.configuration_id)].id;
      RETURN_IF_ERROR(transaction.InsertTrial(row));
    }
    change.NoteSweep(rows.sweep, "submitted", fmt::format("{} trials", rows.sweep.trials));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(context_.Apply(body));
  Submitted submitted{.sweep_id = rows.sweep.id,
                      .name = rows.sweep.name,
                      .existing = false,
                      .trials = rows.sweep.trials,
                      .warnings = std::move(warnings)};
  state.AddSweep(std::move(rows.sweep), sweep.resources.memory_bytes.value_or(0));
  for (const core::Configuration& row : rows.configurations) state.AddConfiguration(row);
  for (core::Trial& row : rows.trials) state.AddTrial(std::move(row));
  return submitted;
}

StatusOr<std::vector<std::string>> Submission::CheckWorkers(const spec::Sweep& sweep) const {
  const scheduler::Demand demand{
      .slots = std::max<std::int64_t>(1, sweep.resources.gpus),
      .needs_gpu = sweep.resources.gpus > 0,
      .memory_bytes = sweep.resources.memory_bytes.value_or(0),
      .labels = sweep.labels.empty() ? nullptr : std::make_shared<const Labels>(sweep.labels)};
  const scheduler::Fleet& fleet = context_.state.fleet;
  std::vector<std::string> warnings;
  if (fleet.empty()) {
    warnings.push_back(
        fmt::format("no worker is connected; its trials wait for one that has {}", Describe(demand)));
  } else if (!scheduler::AnyCouldHold(fleet, demand)) {
    std::size_t most_gpus = 0;
    std::int64_t most_memory = 0;
    std::set<std::string> labels;
    for (const auto& [id, worker] : fleet) {
      for (const auto& [key, value] : worker.labels) labels.insert(fmt::format("{}={}", key, value));
      for (const scheduler::Slot& slot : worker.slots) {
        if (slot.gpu || !demand.needs_gpu) most_memory = std::max(most_memory, slot.memory_bytes);
      }
      most_gpus = std::max<std::size_t>(
          most_gpus,
          static_cast<std::size_t>(std::count_if(worker.slots.begin(), worker.slots.end(),
                                                 [](const scheduler::Slot& slot) { return slot.gpu; })));
    }
    return FailedPrecondition(
        "a trial of this sweep needs {}, which none of the {} connected workers has (the most GPU slots on "
        "one: {}; the most memory of a slot: {:.1f} GiB; labels: {}); "
        "lower 'resources' in the sweep file or connect a worker that has them",
        Describe(demand), fleet.size(), most_gpus, static_cast<double>(most_memory) / (1LL << 30),
        labels.empty() ? "none" : fmt::format("{}", fmt::join(labels, ", ")));
  }
  return warnings;
}

StatusOr<Cancelled> Submission::CancelSweep(const std::string& sweep) {
  ASSIGN_OR_RETURN(const SweepRecord* record, LookUpSweep(context_.state, sweep));
  Cancelled cancelled;
  if (!core::IsFinal(record->sweep.state)) {
    const auto body = [&](store::Transaction&, Change& change) -> Status {
      core::Sweep& ended = change.sweep(record->sweep.id);
      RETURN_IF_ERROR(core::Move(ended, core::SweepState::kCancelled));
      ended.finished_at = change.now();
      for (const TrialRecord* trial : record->trials) {
        if (core::IsFinal(trial->trial.state)) continue;
        RETURN_IF_ERROR(service::CancelTrial(change, *trial));
        ++cancelled.trials;
      }
      change.NoteSweep(ended, "cancelled", fmt::format("{} trials", cancelled.trials));
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(context_.Apply(body));
  }
  cancelled.state = core::Name(record->sweep.state);
  return cancelled;
}

StatusOr<Cancelled> Submission::CancelTrial(const std::string& trial) {
  ASSIGN_OR_RETURN(const TrialRecord* record, LookUpTrial(context_.state, trial));
  Cancelled cancelled;
  if (!core::IsFinal(record->trial.state)) {
    const auto body = [&](store::Transaction&, Change& change) -> Status {
      return service::CancelTrial(change, *record);
    };
    RETURN_IF_ERROR(context_.Apply(body));
    cancelled.trials = 1;
  }
  cancelled.state = core::Name(record->trial.state);
  return cancelled;
}

}  // namespace lorikeet::service
