// What summarizing with a sweep's adapters costs, measured apart from training. Plain types.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lorikeet::core {

// One adapter, as it is or merged, or the base model.
struct Benchmark {
  std::string configuration = {};                           // a name; empty: the base model
  std::string variant = {};                                 // base, unmerged or merged
  std::string trial_id = {};                                // whose adapter; empty: none
  double latency_p50_seconds = 0, latency_p95_seconds = 0;  // of one document
  std::int64_t batch = 0;                                   // documents at a time, for the speed
  double tokens_per_second = 0, tokens_per_summary = 0;
  std::int64_t extra_tokens = 0;  // rows that a prompt puts before every source
};

// Measured alike: on one machine, one after the other.
struct Benchmarks {
  std::string sweep_id = {};
  std::string hostname = {}, device = {}, device_model = {}, precision = {}, build = {};
  std::int64_t threads = 0, beams = 0, documents = 0;
  std::vector<Benchmark> rows = {};
};

}  // namespace lorikeet::core
