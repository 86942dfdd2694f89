#include "sweeps/export/mlflow.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "sweeps/export/mlflow_http.h"

namespace lorikeet::exporting {
namespace {

// What log-batch takes.
constexpr std::size_t kMostMetrics = 1000, kMostParams = 100, kMostParamBytes = 6000, kMostKeyBytes = 250;

// MLflow's names hold letters, digits, and "_-. /".
std::string Name(const std::string& name) {
  std::string safe = name.substr(0, kMostKeyBytes);
  for (char& c : safe) {
    if (!std::isalnum(static_cast<unsigned char>(c)) &&
        std::string_view("_-. /").find(c) == std::string_view::npos)
      c = '_';
  }
  return safe;
}

std::string Value(const Json& value) {
  std::string text = value.is_string() ? value.get<std::string>()
                                       : value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() <= kMostParamBytes) return text;
  std::size_t end = kMostParamBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

// Goes into a filter between quotes.
bool IsPlainId(const std::string& id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_';
  });
}

// What a trial has come to; another one means that its run is out of date.
std::string StateOf(const Json& run) {
  const Json token = run.value("token", Json(0));
  return Text(run, "state") + "/" + token.dump();
}

bool HasEnded(const Json& run) {
  const std::string state = Text(run, "state");
  return state == "succeeded" || state == "failed" || state == "cancelled";
}

Json Tag(const std::string& key, const std::string& value) { return {{"key", key}, {"value", value}}; }

}  // namespace

Mlflow::Mlflow(std::unique_ptr<Http> http) : http_(std::move(http)) {}
Mlflow::~Mlflow() = default;

StatusOr<std::unique_ptr<Mlflow>> Mlflow::Create(const MlflowOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<Http> http, Http::Create(options));
  return std::unique_ptr<Mlflow>(new Mlflow(std::move(http)));
}

Status Mlflow::Take(const Json& line) {
  const std::string type = Text(line, "type");
  if (type == "sweep") return BeginExperiment(line);
  if (type == "run") {
    RETURN_IF_ERROR(EndRun());
    return BeginRun(line);
  }
  if (type == "points" && !run_id_.empty()) return Points(line);
  return absl::OkStatus();
}

Status Mlflow::Finish() { return EndRun(); }

Status Mlflow::BeginExperiment(const Json& sweep) {
  experiment_ = Text(sweep, "name");
  ASSIGN_OR_RETURN(const std::optional<Json> found,
                   http_->Find("experiments/get-by-name", "experiment_name", experiment_));
  if (found) {
    const Json experiment = found->value("experiment", Json::object());
    if (Text(experiment, "lifecycle_stage") == "deleted") {
      return FailedPrecondition(
          "MLflow has an experiment '{}' that was deleted: restore it, or delete it for good (mlflow gc)",
          experiment_);
    }
    experiment_id_ = Text(experiment, "experiment_id");
  } else {
    ASSIGN_OR_RETURN(
        const Json created,
        http_->Post("experiments/create",
                    {{"name", experiment_}, {"tags", {Tag("lorikeet.sweep_id", Text(sweep, "id"))}}}));
    experiment_id_ = Text(created, "experiment_id");
  }
  if (experiment_id_.empty()) return Internal("MLflow's answer names no experiment");
  return absl::OkStatus();
}

StatusOr<bool> Mlflow::IsThere(const std::string& trial, const std::string& state) {
  if (!IsPlainId(trial)) return InvalidArgument("a trial has an id that is none: '{}'", trial.substr(0, 80));
  ASSIGN_OR_RETURN(const Json found,
                   http_->Post("runs/search", {{"experiment_ids", {experiment_id_}},
                                               {"filter", "tags.`lorikeet.trial_id` = '" + trial + "'"},
                                               {"run_view_type", "ACTIVE_ONLY"},
                                               {"max_results", 100}}));
  bool there = false;
  for (const Json& run : found.value("runs", Json::array())) {
    const Json data = run.value("data", Json::object());
    bool current = false;
    for (const Json& tag : data.value("tags", Json::array()))
      current = current || (Text(tag, "key") == "lorikeet.complete" && Text(tag, "value") == state);
    if (current && !there) {
      there = true;
    } else {
      RETURN_IF_ERROR(
          http_->Post("runs/delete", {{"run_id", Text(run.value("info", Json::object()), "run_id")}})
              .status());
    }
  }
  return there;
}

Status Mlflow::BeginRun(const Json& run) {
  if (experiment_id_.empty()) return Internal("a run came before its sweep");
  run_ = run;
  const std::string trial = Text(run, "id");
  ASSIGN_OR_RETURN(const bool there, IsThere(trial, StateOf(run)));
  if (there) {
    ++passed_over_;
    return absl::OkStatus();
  }
  Json tags = {Tag("mlflow.runName", Text(run, "name")), Tag("lorikeet.trial_id", trial),
               Tag("lorikeet.state", Text(run, "state"))};
  for (const char* key :
       {"configuration", "arm", "hostname", "device_model", "build", "failure_kind", "failure_message"}) {
    if (const std::string value = Text(run, key); !value.empty())
      tags.push_back(Tag(std::string("lorikeet.") + key, Value(value)));
  }
  if (const Json result = run.value("result", Json()); result.is_object()) {
    for (const char* key : {"data_fingerprint", "model_fingerprint"}) {
      if (const std::string value = Text(result, key); !value.empty())
        tags.push_back(Tag(std::string("lorikeet.") + key, value));
    }
  }
  ASSIGN_OR_RETURN(
      const Json created,
      http_->Post("runs/create",
                  {{"experiment_id", experiment_id_},
                   {"run_name", Text(run, "name")},
                   {"start_time", Milliseconds(run, "started_at", Milliseconds(run, "granted_at", 0))},
                   {"tags", tags}}));
  run_id_ = Text(created.value("run", Json::object()).value("info", Json::object()), "run_id");
  if (run_id_.empty()) return Internal("MLflow's answer names no run");
  RETURN_IF_ERROR(LogParams(run));
  const Json numbers = ResultNumbers(run);
  const Json result = run.value("result", Json());
  for (const auto& [name, value] : numbers.items()) {
    RETURN_IF_ERROR(AddMetric("result/" + name, value.get<double>(),
                              result.value("kept_step", std::int64_t{0}),
                              Milliseconds(result, "finished_at", 0)));
  }
  return absl::OkStatus();
}

Status Mlflow::LogParams(const Json& run) {
  Json params = Json::array();
  const auto send = [&]() -> Status {
    if (params.empty()) return absl::OkStatus();
    RETURN_IF_ERROR(http_->Post("runs/log-batch", {{"run_id", run_id_}, {"params", params}}).status());
    params = Json::array();
    return absl::OkStatus();
  };
  const Json settings = Flatten(run.value("settings", Json::object()));
  for (const auto& [name, value] : settings.items()) {
    params.push_back({{"key", Name(name)}, {"value", Value(value)}});
    if (params.size() == kMostParams) RETURN_IF_ERROR(send());
  }
  return send();
}

Status Mlflow::Points(const Json& line) {
  const std::int64_t time = Milliseconds(line, "began_at", 0);
  const std::string name = Name(Text(line, "name"));
  for (const Json& point : line.value("points", Json::array())) {
    if (!point.is_array() || point.size() != 2 || !point[0].is_number_integer()) continue;
    if (!point[1].is_number()) {
      ++not_numbers_;
      continue;
    }
    RETURN_IF_ERROR(AddMetric(name, point[1].get<double>(), point[0].get<std::int64_t>(), time));
  }
  return absl::OkStatus();
}

Status Mlflow::AddMetric(const std::string& name, double value, std::int64_t step,
                         std::int64_t milliseconds) {
  metrics_.push_back({{"key", Name(name)}, {"value", value}, {"timestamp", milliseconds}, {"step", step}});
  return metrics_.size() < kMostMetrics ? absl::OkStatus() : SendMetrics();
}

Status Mlflow::SendMetrics() {
  if (metrics_.empty()) return absl::OkStatus();
  const Json metrics = std::exchange(metrics_, Json::array());
  return http_->Post("runs/log-batch", {{"run_id", run_id_}, {"metrics", metrics}}).status();
}

Status Mlflow::EndRun() {
  if (run_id_.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(SendMetrics());
  const std::string state = Text(run_, "state");
  Json update = {{"run_id", run_id_},
                 {"status", state == "succeeded"   ? "FINISHED"
                            : state == "failed"    ? "FAILED"
                            : state == "cancelled" ? "KILLED"
                                                   : "RUNNING"}};
  if (HasEnded(run_)) {
    const Json result = run_.value("result", Json());
    const std::int64_t ended = Milliseconds(run_, "ended_at", 0);
    update["end_time"] = result.is_object() ? Milliseconds(result, "finished_at", ended) : ended;
  }
  RETURN_IF_ERROR(http_->Post("runs/update", update).status());
  // Last: a run without it was cut off, or goes on, and is written anew.
  if (HasEnded(run_)) {
    RETURN_IF_ERROR(http_
                        ->Post("runs/set-tag",
                               {{"run_id", run_id_}, {"key", "lorikeet.complete"}, {"value", StateOf(run_)}})
                        .status());
  }
  run_id_.clear();
  ++written_;
  return absl::OkStatus();
}

}  // namespace lorikeet::exporting
