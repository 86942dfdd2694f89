// `sweepctl bench`: how long the adapters of a sweep take to summarize, one after the other, on this machine.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"
#include "sweeps/sweepctl/extract.h"

namespace lorikeet::sweepctl {

struct BenchOptions {
  std::string sweep = {};
  std::string rows = {};                  // only configurations whose name holds this
  std::optional<std::int64_t> seed = {};  // whose adapters; unset: the first that has a result
  std::string model = {}, input = {};  // in place of the sweep's base model and test documents; may be empty
  std::string device = {};             // cpu or cuda:N; empty: the first GPU where there is one
  std::string format = "text";         // markdown, csv or json
  std::string programs = {};           // folder of the programs
  std::int64_t threads = 0, batch = 16, documents = 32;
  bool beside = false;  // also where trials run on this host; then nothing is kept
};

// A trial whose adapter is measured.
struct BenchedTrial {
  std::string id, name, configuration, arm;
  std::int64_t seed = 0;
  nlohmann::ordered_json settings, result;  // as sweeps/report/runs.cc has them
};
// Of each configuration that kept an adapter the trial to measure, in the sweep's order; those whose adapter
// is not there, or that trained none, are left out. `runs`: the sweep's, in order.
std::vector<BenchedTrial> TrialsToBench(const std::vector<nlohmann::ordered_json>& runs,
                                        const BenchOptions& options);

// The table of measured rows: text, markdown, csv or json.
std::string RenderBench(const nlohmann::ordered_json& report, const std::string& format);

// What of this host's workers runs trials of that coordinator, as a sentence's beginning; empty: nothing.
StatusOr<std::string> Company(Client& client);
// The rows of a report, as the coordinator keeps them.
v1::PutBenchmarksRequest RequestOf(const nlohmann::ordered_json& report);

// Measures the base model, then each adapter, LoRA merged too, prints the table, and has the coordinator keep
// it where nothing ran on this host beside it. FailedPrecondition where trials do before it begins, unless
// options.beside. Aborted after Ctrl-C; leaves nothing behind.
Status Bench(const Extractor& extractor, const BenchOptions& options);

}  // namespace lorikeet::sweepctl
