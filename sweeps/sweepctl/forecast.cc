#include "sweeps/sweepctl/forecast.h"

#include <algorithm>
#include <tuple>

namespace lorikeet::sweepctl {
namespace {

std::int64_t CeilDivide(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// What grows with memory, the most telling first.
auto SizeOf(const Trial& trial) {
  const std::int64_t at_once =
      std::min(trial.train.micro_batch_size.value_or(trial.train.batch_size), trial.train.batch_size);
  std::int64_t adapter = 0;
  if (trial.method == Method::kLora) {
    adapter =
        trial.lora.rank * static_cast<std::int64_t>(std::max<std::size_t>(1, trial.lora.targets.size()));
  }
  if (trial.method == Method::kPrompt) adapter = trial.prompt.tokens;
  return std::tuple(at_once, adapter);
}

}  // namespace

TrialForecast ForecastTrial(const Trial& trial, const ArmCost& cost, const SplitSizes& sizes) {
  TrialForecast forecast;
  if (trial.method == Method::kLead) return forecast;  // reads and scores
  forecast.load = cost.load;
  const auto validation = static_cast<double>(sizes.validation), test = static_cast<double>(sizes.test);
  if (Trains(trial.method)) {
    const std::int64_t epoch = CeilDivide(sizes.train, trial.train.batch_size);
    forecast.steps = trial.train.steps.value_or(trial.train.epochs.value_or(1) * epoch);
    const std::int64_t every = std::max<std::int64_t>(1, trial.train.validate_every_steps.value_or(epoch));
    forecast.validations = CeilDivide(forecast.steps, every);
    const double batches = static_cast<double>(trial.train.batch_size) /
                           static_cast<double>(std::max<std::int64_t>(1, cost.batch_size));
    forecast.train = static_cast<double>(forecast.steps) * cost.step * batches;
    const double by_rouge = trial.train.keep_by == "validation_rouge1" ? cost.generate_document : 0;
    forecast.validate =
        static_cast<double>(forecast.validations) * validation * (cost.loss_document + by_rouge);
    // A given adapter is validated before its first step.
    if (!StartAdapter(trial).empty()) forecast.validate += validation * cost.loss_document;
  }
  forecast.evaluate = (validation + test) * (cost.loss_document + cost.generate_document);
  return forecast;
}

std::vector<std::string> ArmsOf(const spec::Sweep& sweep) {
  std::vector<std::string> arms;
  for (const spec::Configuration& configuration : sweep.configurations) {
    if (std::find(arms.begin(), arms.end(), configuration.arm) == arms.end())
      arms.push_back(configuration.arm);
  }
  return arms;
}

std::size_t LargestOf(const spec::Sweep& sweep, const std::string& arm) {
  std::size_t largest = sweep.configurations.size();
  for (std::size_t i = 0; i < sweep.configurations.size(); ++i) {
    const spec::Configuration& configuration = sweep.configurations[i];
    if (configuration.arm != arm) continue;
    if (largest == sweep.configurations.size() ||
        SizeOf(sweep.configurations[largest].trial) < SizeOf(configuration.trial)) {
      largest = i;
    }
  }
  return largest;
}

SweepForecast ForecastSweep(const spec::Sweep& sweep, const std::map<std::string, ArmCost>& costs,
                            const SplitSizes& sizes, std::int64_t slots) {
  SweepForecast forecast;
  const std::int64_t devices = std::max<std::int64_t>(1, sweep.resources.gpus);
  for (const std::string& arm : ArmsOf(sweep)) {
    if (costs.contains(arm)) forecast.arms.push_back({.arm = arm, .trials = 0, .longest = {}, .seconds = 0});
  }
  double all = 0, longest = 0;
  for (const spec::PlannedTrial& planned : spec::ExpandTrials(sweep)) {
    const std::string& arm = sweep.configurations[planned.configuration].arm;
    const auto of = std::find_if(forecast.arms.begin(), forecast.arms.end(),
                                 [&](const ArmForecast& one) { return one.arm == arm; });
    if (of == forecast.arms.end()) continue;
    const TrialForecast trial = ForecastTrial(spec::TrialOf(sweep, planned), costs.at(arm), sizes);
    ++forecast.trials;
    ++of->trials;
    of->seconds += trial.seconds();
    if (of->trials == 1 || trial.seconds() > of->longest.seconds()) of->longest = trial;
    all += trial.seconds();
    longest = std::max(longest, trial.seconds());
  }
  forecast.device_seconds = all * static_cast<double>(devices);
  forecast.at_a_time = std::max<std::int64_t>(1, slots / devices);
  if (sweep.max_running)
    forecast.at_a_time = std::min(forecast.at_a_time, std::max<std::int64_t>(1, *sweep.max_running));
  forecast.at_a_time = std::min(forecast.at_a_time, std::max<std::int64_t>(1, forecast.trials));
  forecast.wall_seconds = std::max(longest, all / static_cast<double>(forecast.at_a_time));
  return forecast;
}

}  // namespace lorikeet::sweepctl
