#include "sweeps/report/benchmarks.h"

#include <utility>

namespace lorikeet::report {

Benchmarks ReadBenchmarks(SQLite::Database& database, const std::string& sweep) {
  Benchmarks read;
  if (!database.tableExists("benchmarks")) return read;
  SQLite::Statement query(
      database,
      "SELECT variant, configuration, trial, latency_p50_seconds, latency_p95_seconds, batch,"
      " tokens_per_second, tokens_per_summary, extra_tokens, measured_at, hostname, device,"
      " device_model, precision, build, threads, beams, documents"
      " FROM benchmark_table WHERE sweep = ?");
  query.bind(1, sweep);
  while (query.executeStep()) {
    Benchmark row;
    row.variant = query.getColumn(0).getString();
    if (row.variant != "base") {
      row.configuration = query.getColumn(1).getString();
      row.trial = query.getColumn(2).getString();
    }
    row.latency_p50_seconds = query.getColumn(3).getDouble();
    row.latency_p95_seconds = query.getColumn(4).getDouble();
    row.batch = query.getColumn(5).getInt64();
    row.tokens_per_second = query.getColumn(6).getDouble();
    row.tokens_per_summary = query.getColumn(7).getDouble();
    row.extra_tokens = query.getColumn(8).getInt64();
    row.measured_at = query.getColumn(9).getString();
    read.hostname = query.getColumn(10).getString();
    read.device = query.getColumn(11).getString();
    read.device_model = query.getColumn(12).getString();
    read.precision = query.getColumn(13).getString();
    read.build = query.getColumn(14).getString();
    read.threads = query.getColumn(15).getInt64();
    read.beams = query.getColumn(16).getInt64();
    read.documents = query.getColumn(17).getInt64();
    read.rows.push_back(std::move(row));
  }
  return read;
}

}  // namespace lorikeet::report
