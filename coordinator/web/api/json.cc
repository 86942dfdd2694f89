#include "coordinator/web/api/json.h"

#include <utility>

#include "coordinator/core/types.h"

namespace lorikeet::web {
namespace {

Json TimeOrNull(const std::optional<WallTime>& time) {
  return time ? Json(FormatTime(*time)) : Json(nullptr);
}

// Text that is JSON itself, or null where it is not.
Json Parsed(const std::string& text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_discarded() ? Json(nullptr) : json;
}

Json ToJson(const report::AttemptItem& attempt) {
  return {{"id", attempt.id},
          {"number", attempt.number},
          {"state", attempt.state},
          {"worker", OrNull(attempt.hostname)},
          {"worker_id", OrNull(attempt.worker_id)},
          {"device", OrNull(attempt.device)},
          {"device_model", OrNull(attempt.device_model)},
          {"threads", OrNull(attempt.threads)},
          {"micro_batch_size", OrNull(attempt.micro_batch_size)},
          {"build", OrNull(attempt.build)},
          {"granted_at", OrNull(attempt.granted_at)},
          {"started_at", OrNull(attempt.started_at)},
          {"ended_at", OrNull(attempt.ended_at)},
          {"failure_kind", OrNull(attempt.failure_kind)},
          {"failure_message", OrNull(attempt.failure_message)}};
}

Json ToJson(const report::Summary& summary) {
  return {{"trial", summary.trial_id},
          {"configuration", summary.configuration},
          {"arm", summary.arm},
          {"baseline", summary.baseline},
          {"seed", summary.seed},
          {"tokens", summary.tokens},
          {"text", summary.text},
          {"rouge1", summary.rouge1},
          {"rouge2", summary.rouge2},
          {"rougeL", summary.rougeL},
          {"rougeLsum", summary.rougeLsum}};
}

}  // namespace

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json ToJson(const service::SweepView& view) {
  const core::Sweep& sweep = view.sweep;
  Json json = {{"id", sweep.id},
               {"name", sweep.name},
               {"state", core::Name(sweep.state)},
               {"baseline", sweep.baseline},
               {"trials", sweep.trials},
               {"pending", view.pending},
               {"running", view.running},
               {"succeeded", view.succeeded},
               {"failed", view.failed},
               {"cancelled", view.cancelled},
               {"seeds", sweep.seeds},
               {"submitted_at", FormatTime(sweep.submitted_at)},
               {"finished_at", TimeOrNull(sweep.finished_at)},
               {"elapsed_seconds", view.elapsed_seconds},
               {"eta_seconds", OrNull(view.eta_seconds)},
               {"priority", sweep.priority},
               {"max_running", OrNull(sweep.max_running)},
               {"labels", sweep.labels},
               {"waiting", view.waiting},
               {"notes", sweep.notes},
               {"barred", view.barred}};
  json["files"] = Json::array();
  for (const core::SweepFile& file : view.files)
    json["files"].push_back({{"name", file.name}, {"value", file.value}, {"worker", file.worker_id}});
  return json;
}

Json ToJson(const service::WorkerView& view) {
  const core::Worker& worker = view.worker;
  Json json = {{"id", worker.id},
               {"hostname", worker.hostname},
               {"state", worker.state},
               {"build", worker.build},
               {"quarantine", OrNull(worker.quarantine)},
               {"labels", worker.labels},
               {"slots_busy", view.slots_busy},
               {"barred", view.barred},
               {"first_seen_at", FormatTime(worker.first_seen_at)},
               {"last_seen_at", FormatTime(worker.last_seen_at)},
               {"trials", view.trials}};
  json["slots"] = Json::array();
  for (const core::Slot& slot : worker.slots) {
    json["slots"].push_back({{"index", slot.index},
                             {"kind", slot.kind},
                             {"device", slot.device},
                             {"device_model", slot.device_model},
                             {"memory_bytes", slot.memory_bytes},
                             {"threads", slot.threads},
                             {"quarantine", OrNull(slot.quarantine)}});
  }
  return json;
}

Json ToJson(const service::Progress& progress) {
  return {{"phase", progress.phase},
          {"step", progress.step},
          {"total", progress.total},
          {"loss", OrNull(progress.loss)},
          {"tokens_per_second", progress.tokens_per_second},
          {"eta_seconds", progress.eta_seconds}};
}

Json ToJson(const report::Grid& grid) {
  Json json = {{"configurations", grid.configurations},
               {"seeds", grid.seeds},
               {"low", OrNull(grid.low)},
               {"high", OrNull(grid.high)}};
  json["rows"] = Json::array();
  for (const report::GridRow& row : grid.rows) {
    Json cells = Json::array();
    // A cell is a list: a sweep may have ten thousand of them.
    for (const report::GridCell& cell : row.cells)
      cells.push_back({cell.trial_id, cell.seed, cell.state, OrNull(cell.value), OrNull(cell.failure_kind)});
    json["rows"].push_back({{"id", row.configuration_id},
                            {"configuration", row.configuration},
                            {"arm", row.arm},
                            {"baseline", row.baseline},
                            {"candidate", row.candidate},
                            {"cells", std::move(cells)}});
  }
  return json;
}

Json ToJson(const report::TrialItem& item) {
  return {{"id", item.id},
          {"name", item.name},
          {"configuration", item.configuration},
          {"arm", item.arm},
          {"seed", item.seed},
          {"state", item.state},
          {"failures", item.failures},
          {"interruptions", item.interruptions},
          {"attempts", item.attempts},
          {"failure_kind", OrNull(item.failure_kind)},
          {"failure_message", OrNull(item.failure_message)},
          {"worker", OrNull(item.hostname)},
          {"device", OrNull(item.device)},
          {"started_at", OrNull(item.started_at)},
          {"ended_at", OrNull(item.ended_at)},
          {"rouge1", OrNull(item.rouge1)},
          {"rouge2", OrNull(item.rouge2)},
          {"rougeL", OrNull(item.rougeL)},
          {"rougeLsum", OrNull(item.rougeLsum)}};
}

Json ToJson(const report::TrialFacts& facts) {
  Json json = ToJson(facts.item);
  json["sweep"] = facts.sweep;
  json["sweep_id"] = facts.sweep_id;
  json["settings"] = Parsed(facts.settings);
  json["attempt_list"] = Json::array();
  for (const report::AttemptItem& attempt : facts.attempts) json["attempt_list"].push_back(ToJson(attempt));
  json["result"] = Json::object();
  for (const report::NamedValue& value : facts.result)
    json["result"][value.name] = value.text ? Json(*value.text) : OrNull(value.number);
  json["artifacts"] = Json::array();
  for (const report::ArtifactItem& artifact : facts.artifacts) {
    json["artifacts"].push_back({{"kind", artifact.kind},
                                 {"created_at", artifact.created_at},
                                 {"step", artifact.step},
                                 {"bytes", artifact.bytes},
                                 {"files", Parsed(artifact.files)}});
  }
  json["metrics"] = facts.metrics;
  return json;
}

Json ToJson(const report::HistoryItem& item) {
  return {{"id", item.id},
          {"time", item.time},
          {"kind", item.kind},
          {"message", item.message},
          {"trial", OrNull(item.trial)},
          {"trial_id", OrNull(item.trial_id)},
          {"attempt_id", OrNull(item.attempt_id)},
          {"worker", OrNull(item.hostname)}};
}

Json ToJson(const report::Comparisons& comparisons) {
  Json json = {{"metric", comparisons.metric}, {"margin", OrNull(comparisons.margin)}};
  json["rows"] = Json::object();
  for (const report::ComparisonItem& item : comparisons.items) {
    json["rows"][item.configuration] = {{"difference", item.difference},
                                        {"low", OrNull(item.low)},
                                        {"high", OrNull(item.high)},
                                        {"p_value", OrNull(item.p_value)},
                                        {"p_corrected", OrNull(item.p_corrected)},
                                        {"detectable", OrNull(item.detectable)},
                                        {"verdict", OrNull(item.verdict)},
                                        {"reason", OrNull(item.reason)}};
  }
  return json;
}

Json ToJson(const report::DocumentList& list) {
  Json json = {{"split", list.split},
               {"metric", list.metric},
               {"configuration", list.configuration},
               {"against", list.against},
               {"configurations", list.configurations},
               {"documents", list.documents}};
  json["items"] = Json::array();
  for (const report::DocumentItem& item : list.items) {
    json["items"].push_back({{"id", item.id},
                             {"position", item.position},
                             {"beginning", item.beginning},
                             {"score", OrNull(item.score)},
                             {"against", OrNull(item.against)},
                             {"difference", OrNull(item.difference)}});
  }
  return json;
}

Json ToJson(const report::DocumentText& text) {
  Json json = {{"split", text.split},         {"id", text.id},
               {"position", text.position},   {"article", text.article},
               {"reference", text.reference}, {"article_bytes", text.article_bytes},
               {"seeds", text.seeds},         {"seed", text.seed}};
  json["summaries"] = Json::array();
  for (const report::Summary& summary : text.summaries) json["summaries"].push_back(ToJson(summary));
  return json;
}

}  // namespace lorikeet::web
