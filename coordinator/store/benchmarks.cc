// What summarizing costs: the transaction's part.
#include "coordinator/store/guard.h"
#include "coordinator/store/transaction.h"

namespace lorikeet::store {

StatusOr<std::int64_t> SqliteTransaction::PutBenchmarks(const core::Benchmarks& measured, WallTime at) {
  return Run(
      [&] { return "benchmarks of sweep " + measured.sweep_id; },
      [&]() -> StatusOr<std::int64_t> {
        const std::int64_t replaced = connection_.Run(
            "DELETE FROM benchmarks WHERE sweep_id = ? AND (hostname, device, device_model, threads,"
            " precision, beams, documents, build) <> (?, ?, ?, ?, ?, ?, ?, ?)",
            measured.sweep_id, measured.hostname, measured.device, measured.device_model, measured.threads,
            measured.precision, measured.beams, measured.documents, measured.build);
        for (const core::Benchmark& row : measured.rows) {
          connection_.Run(
              "INSERT OR REPLACE INTO benchmarks (sweep_id, configuration, variant, trial_id, hostname,"
              " device, device_model, threads, precision, beams, documents, build,"
              " latency_p50_seconds, latency_p95_seconds, batch, tokens_per_second,"
              " tokens_per_summary, extra_tokens, measured_at)"
              " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
              measured.sweep_id, row.configuration, row.variant, NullIfEmpty{row.trial_id}, measured.hostname,
              measured.device, measured.device_model, measured.threads, measured.precision, measured.beams,
              measured.documents, measured.build, row.latency_p50_seconds, row.latency_p95_seconds, row.batch,
              row.tokens_per_second, row.tokens_per_summary, row.extra_tokens, at);
        }
        return replaced;
      });
}

}  // namespace lorikeet::store
