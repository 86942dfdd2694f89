#include <nlohmann/json.hpp>
#include <utility>

#include "sweeps/report/chosen.h"
#include "sweeps/report/render.h"

namespace lorikeet::report {
namespace {

using Json = nlohmann::ordered_json;

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

// A row's values by the names they have in the database's views; by `metrics` those of scores from outside.
Json RowJson(const Row& row, bool chosen, const std::vector<std::string>& metrics) {
  Json json;
  json["arm"] = row.arm;
  json["configuration"] = row.configuration;
  json["baseline"] = row.baseline;
  json["reference"] = row.reference;
  json["seeds"] = row.seeds;
  json["planned"] = row.planned;
  json["failed"] = row.failed;
  json["running"] = row.running;
  json["failures"] = row.failures;
  for (const auto& [name, value] : {std::pair("rouge1", &row.rouge1),
                                    {"rouge2", &row.rouge2},
                                    {"rougeL", &row.rougeL},
                                    {"rougeLsum", &row.rougeLsum}}) {
    json[std::string(name) + "_mean"] = OrNull(value->mean);
    json[std::string(name) + "_sd"] = OrNull(value->sd);
  }
  json["rouge1_difference"] = OrNull(row.difference_rouge1);
  json["difference"] = OrNull(row.comparison.difference);
  json["low"] = OrNull(row.comparison.low);
  json["high"] = OrNull(row.comparison.high);
  json["p"] = OrNull(row.comparison.p_value);
  json["p_corrected"] = OrNull(row.comparison.p_corrected);
  json["detectable"] = OrNull(row.comparison.detectable);
  json["verdict"] = row.comparison.verdict.empty() ? Json(nullptr) : Json(row.comparison.verdict);
  json["reason"] = row.comparison.reason.empty() ? Json(nullptr) : Json(row.comparison.reason);
  json["chosen"] = chosen;
  json["still_improving"] = row.still_improving;
  json["tries"] = row.tries;
  json["chosen_from"] = row.chosen.empty() ? Json(nullptr) : Json(row.chosen);
  json["edge"] = row.edge.empty() ? Json(nullptr) : Json(row.edge);
  json["validation_mean"] = OrNull(row.validation_primary);
  json["validation_rouge1_mean"] = OrNull(row.validation_rouge1);
  json["validation_loss_mean"] = OrNull(row.validation_loss);
  json["trainable_parameters"] = OrNull(row.trainable_parameters);
  json["trainable_share"] = OrNull(row.trainable_share);
  json["device_hours"] = OrNull(row.device_hours);
  json["train_seconds"] = OrNull(row.train_seconds);
  json["tokens_per_second"] = OrNull(row.tokens_per_second);
  json["generated_tokens_per_second"] = OrNull(row.generated_tokens_per_second);
  json["latency_p50_seconds"] = OrNull(row.latency_p50_seconds);
  json["latency_p95_seconds"] = OrNull(row.latency_p95_seconds);
  json["peak_memory_bytes"] = OrNull(row.peak_memory_bytes);
  json["adapter_bytes"] = OrNull(row.adapter_bytes);
  json["device_model"] = OrNull(row.device_model);
  json["source"] = row.source.empty() ? Json(nullptr) : Json(row.source);
  for (const std::string& metric : metrics) {
    const OtherScore& score = OtherScoreOf(row, metric);
    json[metric + "_mean"] = OrNull(score.value.mean);
    json[metric + "_sd"] = OrNull(score.value.sd);
    json[metric + "_difference"] = row.baseline ? Json(nullptr) : OrNull(score.difference);
    json[metric + "_low"] = OrNull(score.low);
    json[metric + "_high"] = OrNull(score.high);
    json[metric + "_p"] = OrNull(score.p_value);
    json[metric + "_p_corrected"] = OrNull(score.p_corrected);
  }
  return json;
}

std::string CsvCell(const Json& value) {
  if (value.is_null()) return "";
  std::string text;
  if (value.is_array()) {
    for (const Json& item : value) text += (text.empty() ? "" : "; ") + item.get<std::string>();
  } else if (value.is_string()) {
    text = value.get<std::string>();
  } else {
    text = value.dump();
  }
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

// Each row with what it was measured on.
Json BenchmarksJson(const Benchmarks& measured) {
  Json rows = Json::array();
  for (const Benchmark& row : measured.rows) {
    const bool base = row.variant == "base";
    rows.push_back({{"configuration", base ? Json(nullptr) : Json(row.configuration)},
                    {"variant", row.variant},
                    {"trial", base ? Json(nullptr) : Json(row.trial)},
                    {"latency_p50_seconds", row.latency_p50_seconds},
                    {"latency_p95_seconds", row.latency_p95_seconds},
                    {"batch", row.batch},
                    {"tokens_per_second", row.tokens_per_second},
                    {"tokens_per_summary", row.tokens_per_summary},
                    {"extra_tokens", row.extra_tokens},
                    {"hostname", measured.hostname},
                    {"device", measured.device},
                    {"device_model", measured.device_model},
                    {"threads", measured.threads},
                    {"precision", measured.precision},
                    {"beams", measured.beams},
                    {"documents", measured.documents},
                    {"build", measured.build},
                    {"measured_at", row.measured_at}});
  }
  return rows;
}

}  // namespace

std::string RenderCsv(const Table& table) {
  const std::set<const Row*> chosen = ChosenRows(table);
  std::string text = "sweep";
  const Json heading = RowJson(Row(), false, table.more_metrics);
  for (const auto& [name, value] : heading.items()) text += "," + name;
  text += "\r\n";
  for (const Row& row : table.rows) {
    text += CsvCell(table.sweep);
    const Json json = RowJson(row, chosen.contains(&row), table.more_metrics);
    for (const auto& [name, value] : json.items()) text += "," + CsvCell(value);
    text += "\r\n";
  }
  return text;
}

std::string RenderJson(const Table& table) {
  const std::set<const Row*> chosen = ChosenRows(table);
  Json json;
  json["sweep"] = table.sweep;
  json["sweep_id"] = table.sweep_id;
  json["state"] = table.state;
  json["baseline"] = table.baseline;
  json["primary"] = table.primary;
  json["margin"] = table.margin;
  json["family"] = table.family;
  json["extended"] = table.extended;
  json["imported"] = table.imported;
  json["metrics"] = table.more_metrics;
  json["trials"] = table.trials;
  json["succeeded"] = table.succeeded;
  json["failed"] = table.failed;
  json["rows"] = Json::array();
  for (const Row& row : table.rows)
    json["rows"].push_back(RowJson(row, chosen.contains(&row), table.more_metrics));
  json["benchmarks"] = BenchmarksJson(table.benchmarks);
  json["notes"] = table.notes;
  json["answer"] = table.answer;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace lorikeet::report
