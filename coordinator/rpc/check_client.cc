#include "coordinator/rpc/checks.h"
#include "coordinator/rpc/field_checker.h"

namespace lorikeet::rpc {

Status CheckLimits(const v1::SubmitRequest& request) {
  FieldChecker check("submit");
  check.Word("file", request.file(), kMostPathBytes);
  check.Word("request_id", request.request_id(), kMostIdBytes);
  check.List("variables", static_cast<std::int64_t>(request.variables_size()), kMostVariables);
  for (const auto& [name, value] : request.variables()) {
    check.Word("variables", name);
    check.Text("variables", value, kMostVariableBytes);
  }
  if (!check.status().ok()) return check.status();
  if (request.text().size() > kMostSweepFileBytes) {
    return InvalidArgument("{}: {} bytes; a sweep file has at most {}", request.file(), request.text().size(),
                           kMostSweepFileBytes);
  }
  check.Text("text", request.text(), kMostSweepFileBytes);
  return check.status();
}

Status CheckLimits(const v1::ListEventsRequest& request) {
  FieldChecker check("list_events");
  check.Word("sweep", request.sweep(), kMostNameBytes);
  check.Word("trial", request.trial(), kMostNameBytes);
  check.Count("after", request.after());
  check.Count("most", request.most());
  return check.status();
}

Status CheckLimits(const v1::ExtractRequest& request) {
  FieldChecker check("extract");
  check.Word("what", request.what());
  check.Word("name", request.name(), kMostNameBytes);
  check.Word("other", request.other(), kMostNameBytes);
  check.Word("table", request.table());
  check.Word("split", request.split());
  check.Word("configuration", request.configuration(), kMostNameBytes);
  check.Word("base_model", request.base_model(), kMostNameBytes);
  return check.status();
}

Status CheckLimits(const v1::GetPlotRequest& request) {
  FieldChecker check("plot");
  check.Word("sweep", request.sweep(), kMostNameBytes);
  check.Word("kind", request.kind());
  check.Word("metric", request.metric());
  check.Word("axis", request.axis());
  check.Word("cost", request.cost());
  check.Word("format", request.format());
  // Of what is drawn; sweeps/plot has narrower ones.
  check.Count("width", request.width(), kMostPlotSide);
  check.Count("height", request.height(), kMostPlotSide);
  return check.status();
}

Status CheckLimits(const v1::GetTableRequest& request) {
  FieldChecker check("table");
  check.Word("sweep", request.sweep(), kMostNameBytes);
  check.Word("format", request.format());
  check.List("metrics", static_cast<std::int64_t>(request.metrics_size()), kMostMetrics);
  for (const std::string& metric : request.metrics()) check.Word("metrics", metric);
  check.Word("sort", request.sort());
  check.Word("rows", request.rows(), kMostNameBytes);
  return check.status();
}

Status CheckLimits(const v1::ImportRowRequest& request) {
  FieldChecker check("import");
  check.Word("sweep", request.sweep(), kMostNameBytes);
  check.Word("name", request.name());
  check.Word("source", request.source(), kMostPathBytes);
  return check.status();
}

Status CheckLimits(const v1::PutBenchmarksRequest& request) {
  FieldChecker check("benchmarks");
  check.Word("sweep", request.sweep(), kMostNameBytes);
  check.Word("hostname", request.hostname(), kMostHostnameBytes);
  check.Word("device", request.device());
  check.Word("device_model", request.device_model());
  check.Count("threads", request.threads());
  check.Word("precision", request.precision());
  check.Count("beams", request.beams());
  check.Count("documents", request.documents());
  check.Word("build", request.build(), kMostBuildBytes);
  check.List("rows", static_cast<std::int64_t>(request.rows_size()), kMostBenchmarks);
  for (int i = 0; i < request.rows_size() && check.status().ok(); ++i) {
    const v1::PutBenchmarksRequest::Benchmark& row = request.rows(i);
    FieldChecker in_row("benchmarks.rows", i);
    in_row.Word("configuration", row.configuration(), kMostNameBytes);
    in_row.Word("variant", row.variant());
    in_row.Word("trial_id", row.trial_id(), kMostIdBytes);
    in_row.Count("batch", row.batch());
    in_row.Count("extra_tokens", row.extra_tokens());
    check.Take(in_row);
  }
  return check.status();
}

Status CheckLimits(const v1::PutScoresBegin& begin) {
  FieldChecker check("scores");
  check.Word("sweep", begin.sweep(), kMostNameBytes);
  check.Word("source", begin.source(), kMostPathBytes);
  check.List("metrics", static_cast<std::int64_t>(begin.metrics_size()), kMostMetrics);
  for (const std::string& metric : begin.metrics()) check.Word("metrics", metric);
  if (check.status().ok()) return CheckRequestId(begin.request_id());
  return check.status();
}

Status CheckLimits(const v1::ScoredDocuments& documents) {
  FieldChecker check("scores");
  // Of an imported row; the sweep's own may be longer, and are looked up.
  check.Word("configuration", documents.configuration(), kMostNameBytes);
  check.List("documents", static_cast<std::int64_t>(documents.documents_size()), kMostScoredDocuments);
  if (!check.status().ok()) return check.status();
  for (int i = 0; i < documents.documents_size(); ++i) {
    const v1::ScoredDocument& document = documents.documents(i);
    FieldChecker one("scores.documents", i);
    one.Text("id", document.id(), kMostDocumentIdBytes);
    one.Text("summary", document.summary(), kMostTextBytes);
    one.List("scores", static_cast<std::int64_t>(document.scores_size()), kMostMetrics);
    if (!one.status().ok()) return one.status();
  }
  return absl::OkStatus();
}

Status CheckName(const char* field, const std::string& name) {
  FieldChecker check("request");
  check.Word(field, name, kMostNameBytes);
  return check.status();
}

Status CheckRequestId(const std::string& request_id) {
  FieldChecker check("request");
  check.Word("request_id", request_id, kMostIdBytes);
  return check.status();
}

}  // namespace lorikeet::rpc
