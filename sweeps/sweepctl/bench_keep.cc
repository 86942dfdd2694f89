// What `sweepctl bench` asks the coordinator: whether this host is idle, and to keep what was measured.
#include <fmt/format.h>

#include <string>

#include "common/host_name.h"
#include "sweeps/sweepctl/bench.h"
#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {

StatusOr<std::string> Company(Client& client) {
  const std::string here = HostName();
  ASSIGN_OR_RETURN(const v1::ListWorkersResponse list, client.ListWorkers());
  for (const v1::WorkerStatus& worker : list.workers()) {
    if (worker.hostname() != here || worker.trials().empty()) continue;
    return fmt::format("this host's worker {} ran {} trial{} (first: {})", Printable(worker.id()),
                       worker.trials_size(), worker.trials_size() == 1 ? "" : "s",
                       Printable(worker.trials(0)));
  }
  return "";
}

v1::PutBenchmarksRequest RequestOf(const nlohmann::ordered_json& report) {
  v1::PutBenchmarksRequest request;
  request.set_sweep(report.at("sweep"));
  request.set_hostname(report.at("hostname"));
  request.set_device(report.at("device"));
  request.set_device_model(report.at("device_model"));
  request.set_threads(report.at("threads"));
  request.set_precision(report.at("precision"));
  request.set_beams(report.at("beams"));
  request.set_documents(report.at("documents"));
  request.set_build(report.at("build"));
  for (const nlohmann::ordered_json& from : report.at("rows")) {
    v1::PutBenchmarksRequest::Benchmark& row = *request.add_rows();
    if (const auto& trial = from.at("trial_id"); !trial.is_null()) {
      row.set_configuration(from.at("configuration"));
      row.set_trial_id(trial);
    }
    row.set_variant(from.at("variant"));
    row.set_latency_p50_seconds(from.at("latency_p50_seconds"));
    row.set_latency_p95_seconds(from.at("latency_p95_seconds"));
    row.set_batch(from.at("batch"));
    row.set_tokens_per_second(from.at("tokens_per_second"));
    row.set_tokens_per_summary(from.at("tokens_per_summary"));
    row.set_extra_tokens(from.at("extra_tokens"));
  }
  return request;
}

}  // namespace lorikeet::sweepctl
