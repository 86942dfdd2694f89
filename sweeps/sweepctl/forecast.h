// How long a sweep takes, from what a few steps of each arm took.
//
// Pure; thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sweeps/spec/spec.h"

namespace lorikeet::sweepctl {

// What an arm's work costs, in seconds.
struct ArmCost {
  double load = 0;  // once a trial: documents, weights
  double step = 0;  // an optimizer step of `batch_size` documents; 0 where nothing trains
  std::int64_t batch_size = 1;
  double loss_document = 0;      // validating one
  double generate_document = 0;  // summarizing one
};

// Documents of the splits.
struct SplitSizes {
  std::int64_t train = 0, validation = 0, test = 0;
};

struct TrialForecast {
  std::int64_t steps = 0, validations = 0;  // without patience, which may end it earlier
  double load = 0, train = 0, validate = 0, evaluate = 0;
  double seconds() const { return load + train + validate + evaluate; }
};
// A step of another batch size than the cost's is taken to be as much longer or shorter.
TrialForecast ForecastTrial(const Trial& trial, const ArmCost& cost, const SplitSizes& sizes);

struct ArmForecast {
  std::string arm;
  std::int64_t trials = 0;
  TrialForecast longest;
  double seconds = 0;  // of all its trials
};
struct SweepForecast {
  std::vector<ArmForecast> arms;  // in the sweep's order; those whose cost is known
  std::int64_t trials = 0;
  std::int64_t at_a_time = 1;
  double device_seconds = 0;  // a trial on two GPUs counts twice
  double wall_seconds = 0;    // with so many trials at a time, and no slot ever empty
};
// `slots`: GPUs, or shares of CPUs, that the sweep would have.
SweepForecast ForecastSweep(const spec::Sweep& sweep, const std::map<std::string, ArmCost>& costs,
                            const SplitSizes& sizes, std::int64_t slots);

// The arms' names, in the sweep's order, each once.
std::vector<std::string> ArmsOf(const spec::Sweep& sweep);
// Which configuration of the arm needs the most memory: by documents at a time, then by adapter. Its place.
std::size_t LargestOf(const spec::Sweep& sweep, const std::string& arm);

}  // namespace lorikeet::sweepctl
