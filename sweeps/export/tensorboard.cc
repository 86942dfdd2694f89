#include "sweeps/export/tensorboard.h"

#include <cmath>
#include <cstdlib>
#include <limits>

#include "event.pb.h"

namespace lorikeet::exporting {
namespace {

// Numbers as numbers, so that TensorBoard sorts and plots by them.
void Set(google::protobuf::Value& to, const Json& value) {
  if (value.is_number()) {
    to.set_number_value(value.get<double>());
  } else if (value.is_boolean()) {
    to.set_bool_value(value.get<bool>());
  } else {
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    if (!text.empty() && *end == '\0' && std::isfinite(number)) {
      to.set_number_value(number);
    } else {
      to.set_string_value(text);
    }
  }
}

// What a trial is, as far as trials of a sweep are told apart by it.
tensorboard::HParams Start(const Json& run, double began) {
  tensorboard::HParams message;
  tensorboard::SessionStart& start = *message.mutable_session_start_info();
  start.set_start_time_secs(began);
  start.set_group_name(Text(run, "configuration"));  // seeds are averaged
  auto& hparams = *start.mutable_hparams();
  Set(hparams["arm"], run.value("arm", Json("")));
  Set(hparams["seed"], run.value("seed", Json(0)));
  const Json settings = run.value("settings", Json::object());
  for (const char* key : {"learning_rate", "batch_size", "epochs", "steps"}) {
    const Json train = settings.value("train", Json::object());
    if (train.contains(key)) Set(hparams[key], train[key]);
  }
  for (const char* section : {"lora", "prompt", "lead"}) {
    if (!settings.contains(section)) continue;
    const Json flat = Flatten(settings[section]);
    for (const auto& [key, value] : flat.items()) Set(hparams[std::string(section) + "." + key], value);
  }
  return message;
}

tensorboard::HParams End(const Json& run, double ended) {
  tensorboard::HParams message;
  tensorboard::SessionEnd& end = *message.mutable_session_end_info();
  const std::string state = Text(run, "state");
  end.set_status(state == "succeeded"                        ? tensorboard::SessionEnd::SUCCESS
                 : state == "failed" || state == "cancelled" ? tensorboard::SessionEnd::FAILURE
                                                             : tensorboard::SessionEnd::RUNNING);
  if (ended > 0) end.set_end_time_secs(ended);
  return message;
}

float AsFloat(const Json& value) {
  return value.is_number() ? static_cast<float>(value.get<double>())
                           : std::numeric_limits<float>::quiet_NaN();
}

}  // namespace

Status TensorBoard::Take(const Json& line) {
  const std::string type = Text(line, "type");
  if (type == "run") {
    RETURN_IF_ERROR(End());
    return Begin(line);
  }
  if (type == "points" && file_ != nullptr) return Points(line);
  return absl::OkStatus();
}

Status TensorBoard::Begin(const Json& run) {
  run_ = run;
  began_ = static_cast<double>(Milliseconds(run, "started_at", Milliseconds(run, "granted_at", 0))) / 1000;
  const std::string name =
      FileName(Text(run, "configuration")) + "/seed=" + run.value("seed", Json(0)).dump();
  std::string free = name;
  for (int i = 2; !names_.insert(free).second; ++i) free = fmt::format("{}-{}", name, i);
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::path(folder_.path()) / free;
  std::filesystem::create_directories(folder, error);
  if (error) return FailedPrecondition("{}: {}", folder.string(), error.message());
  file_ = std::make_unique<EventFile>(
      (folder / fmt::format("events.out.tfevents.{}.lorikeet", static_cast<std::int64_t>(began_))).string());
  RETURN_IF_ERROR(file_->Open(began_));
  ++runs_;
  return file_->HParams(began_, "_hparams_/session_start_info", Start(run, began_).SerializeAsString());
}

// The database has no time for a point: that of its attempt's start stands for it.
Status TensorBoard::Points(const Json& line) {
  const double time = static_cast<double>(Milliseconds(line, "began_at", 0)) / 1000;
  const std::string name = Text(line, "name");
  for (const Json& point : line.value("points", Json::array())) {
    if (!point.is_array() || point.size() != 2 || !point[0].is_number_integer()) continue;
    RETURN_IF_ERROR(file_->Scalar(time, point[0].get<std::int64_t>(), name, AsFloat(point[1])));
    ++points_;
  }
  return absl::OkStatus();
}

Status TensorBoard::End() {
  if (file_ == nullptr) return absl::OkStatus();
  const Json result = run_.value("result", Json());
  double ended = static_cast<double>(Milliseconds(run_, "ended_at", 0)) / 1000;
  if (result.is_object()) ended = static_cast<double>(Milliseconds(result, "finished_at", 0)) / 1000;
  const Json numbers = ResultNumbers(run_);
  for (const auto& [name, value] : numbers.items()) {
    RETURN_IF_ERROR(
        file_->Scalar(ended, result.value("kept_step", std::int64_t{0}), "result/" + name, AsFloat(value)));
  }
  RETURN_IF_ERROR(file_->HParams(ended > 0 ? ended : began_, "_hparams_/session_end_info",
                                 exporting::End(run_, ended).SerializeAsString()));
  RETURN_IF_ERROR(file_->Keep());
  file_.reset();
  return absl::OkStatus();
}

Status TensorBoard::Finish() {
  RETURN_IF_ERROR(End());
  return runs_ > 0 ? absl::OkStatus() : FailedPrecondition("there is no run to export");
}

}  // namespace lorikeet::exporting
