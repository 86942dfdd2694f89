#include "sweeps/sweepctl/preflight.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>
#include <vector>

#include "common/build_info.h"
#include "common/files.h"
#include "sweeps/export/lines.h"
#include "sweeps/sweepctl/findings.h"
#include "sweeps/sweepctl/forecast.h"
#include "sweeps/sweepctl/interrupt.h"
#include "sweeps/sweepctl/local_cluster.h"
#include "sweeps/sweepctl/past_trials.h"
#include "sweeps/sweepctl/preflight_text.h"
#include "sweeps/sweepctl/submit.h"
#include "sweeps/sweepctl/text.h"
#include "sweeps/sweepctl/trainer_program.h"

namespace lorikeet::sweepctl {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kPastSweeps = 10;  // the newest
constexpr int kPastTrials = 400;

// Trials of the past, from a coordinator that answers. Who has none, or has nobody to ask, forecasts from
// what is measured here.
PastTrials AskForPast(const PreflightOptions& options) {
  PastTrials past;
  if (!options.asks) return past;
  const StatusOr<std::unique_ptr<Client>> client = Client::Create(options.client);
  if (!client.ok()) return past;
  const StatusOr<v1::ListSweepsResponse> list = (*client)->ListSweeps();
  if (!list.ok()) return past;
  int sweeps = 0, trials = 0;
  for (auto sweep = list->sweeps().rbegin(); sweep != list->sweeps().rend(); ++sweep) {
    if (sweep->succeeded() == 0) continue;
    if (++sweeps > kPastSweeps || trials >= kPastTrials) break;
    v1::ExtractRequest request;
    request.set_what("runs");
    request.set_name(sweep->id());
    exporting::Lines lines([&](const Json& line) -> Status {
      past.Add(sweep->name(), line);
      if (exporting::Text(line, "type") == "run") ++trials;
      return trials >= kPastTrials ? absl::CancelledError("enough") : absl::OkStatus();
    });
    const Status read = (*client)->Extract(request, [&](std::string_view text) { return lines.Add(text); });
    if (!read.ok() && !absl::IsCancelled(read)) break;  // what has come counts all the same
  }
  return past;
}

// Of an answer without JSON, what it says went wrong.
std::string WhyNot(const TrainerAnswer& answer) {
  std::string why = answer.errors;
  while (!why.empty() && why.back() == '\n') why.pop_back();
  if (answer.exit.signal == 9)
    why += (why.empty() ? "" : "; ") + std::string("killed: memory ran out, most likely");
  return why.empty() ? "sweep-trainer: " + Describe(answer.exit) : why;
}

class Preflighter {
 public:
  Preflighter(const PreflightOptions& options, const spec::Sweep& sweep, ScratchFolder scratch)
      : options_(options), sweep_(sweep), scratch_(std::move(scratch)) {}

  StatusOr<Json> Run() {
    report_ = {{"sweep", sweep_.name},
               {"trials", spec::TrialCount(sweep_)},
               {"configurations", sweep_.configurations.size()},
               {"seeds", sweep_.seeds.size()}};
    // A file that is missing keeps everything else from being tried.
    if (const auto checked = ReadSweepFile(options_.file, /*check_files=*/true); !checked.ok()) {
      AddLines(Message(checked.status()), findings_.failures);
    } else {
      AddSettingsFindings(sweep_, ModelName(sweep_.configurations.front().trial.model), findings_);
      RETURN_IF_ERROR(CheckData());
      if (report_.contains("data")) RETURN_IF_ERROR(TryArms());
      if (sizes_.test > 0) Forecast();  // else nothing was found out but that `lead` costs nothing
    }
    report_["failures"] = findings_.failures;
    report_["warnings"] = findings_.warnings;
    report_["build"] = Build();
    return report_;
  }

 private:
  static void AddLines(const std::string& text, std::vector<std::string>& to) {
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      to.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  StatusOr<TrainerAnswer> Ask(const spec::Configuration& configuration, const std::string& only) {
    Trial trial = configuration.trial;
    if (Trains(trial.method) && !sweep_.seeds.empty()) trial.seed = sweep_.seeds.front();
    const std::string trial_file = scratch_.path() + "/trial.json";
    RETURN_IF_ERROR(WriteFileAtomically(trial_file, ToJson(trial), 0600));
    std::vector<std::string> command = {
        options_.programs + "/sweep-trainer", "preflight", "--trial", trial_file, "--only", only, "--cache",
        scratch_.path() + "/cache",           "--device",  Device()};
    if (options_.threads > 0) {
      command.emplace_back("--threads");
      command.push_back(std::to_string(options_.threads));
    }
    return AskTrainer(command, scratch_);
  }

  std::string Device() const {
    if (!options_.device.empty()) return options_.device;
    return CountGpus() > 0 ? "cuda:0" : "cpu";
  }

  Status CheckData() {
    // Some arm may need no training documents; the baseline's configuration reads them all.
    const spec::Configuration& first = sweep_.configurations.front();
    ASSIGN_OR_RETURN(const TrainerAnswer answer, Ask(first, "data"));
    if (!answer.json || !answer.json->contains("data")) {
      AddLines(WhyNot(answer), findings_.failures);
      return absl::OkStatus();
    }
    const Json& json = *answer.json;
    for (const char* key : {"device", "device_model", "threads"}) report_[key] = json.at(key);
    fingerprint_ = json.at("model_fingerprint").get<std::string>();
    report_["model_fingerprint"] = fingerprint_;
    report_["data"] = json.at("data");
    AddDataFindings(sweep_, report_["data"], findings_);
    return absl::OkStatus();
  }

  Status TryArms() {
    report_["arms"] = Json::array();
    for (const std::string& arm : ArmsOf(sweep_)) {
      const spec::Configuration& configuration = sweep_.configurations[LargestOf(sweep_, arm)];
      if (configuration.trial.method == Method::kLead) {
        costs_[arm] = {};
        continue;
      }
      ASSIGN_OR_RETURN(const TrainerAnswer answer, Ask(configuration, "work"));
      Json tried = {{"arm", arm}, {"configuration", configuration.name}};
      if (answer.json && answer.json->contains("work")) {
        tried.update(answer.json->at("work"));
      }
      tried["memory_bytes"] = configuration.trial.resources.memory_bytes
                                  ? Json(*configuration.trial.resources.memory_bytes)
                                  : Json();
      tried["failure"] = nullptr;
      if (answer.json && answer.json->contains("failure")) {
        tried["failure"] = answer.json->at("failure");
        findings_.failures.push_back(configuration.name + ": " +
                                     tried["failure"].at("message").get<std::string>());
      } else if (!answer.exit.ok() || !answer.json) {
        const std::string why = WhyNot(answer);
        tried["failure"] = {{"kind", "crashed"}, {"message", why}};
        findings_.failures.push_back(configuration.name + ": " + why);
      } else {
        costs_[arm] = CostOf(configuration, tried);
      }
      AddWorkFindings(configuration, tried, findings_);
      report_["arms"].push_back(std::move(tried));
    }
    return absl::OkStatus();
  }

  // As past trials have it where there are any, else as it was measured.
  ArmCost CostOf(const spec::Configuration& configuration, Json& tried) {
    ArmCost cost;
    cost.load = tried.at("load_seconds");
    cost.batch_size = configuration.trial.train.batch_size;
    cost.loss_document = tried.at("loss_seconds_per_document");
    cost.generate_document = tried.at("generate_seconds_per_document");
    sizes_ = {.train = std::max(sizes_.train, tried.at("train_documents").get<std::int64_t>()),
              .validation = tried.at("validation_documents"),
              .test = tried.at("test_documents")};
    tried["past"] = nullptr;
    if (!Trains(configuration.trial.method)) return cost;
    const Json& step = tried.at("typical_step");
    cost.step = step.at("seconds");
    if (!past_) past_ = AskForPast(options_);
    const bool on_gpu = report_["device"].get<std::string>().rfind("cuda", 0) == 0;
    const auto speed = past_->Of({.method = configuration.arm,
                                  .model_fingerprint = fingerprint_,
                                  .device_model = report_["device_model"],
                                  .precision = tried.at("precision"),
                                  .threads = on_gpu ? 0 : report_["threads"].get<std::int64_t>()});
    if (speed) {
      cost.step = step.at("tokens").get<double>() / speed->tokens_per_second;
      tried["past"] = {{"trials", speed->trials},
                       {"sweeps", speed->sweeps},
                       {"tokens_per_second", speed->tokens_per_second}};
    }
    return cost;
  }

  void Forecast() {
    const SweepForecast forecast = ForecastSweep(sweep_, costs_, sizes_, options_.slots);
    Json arms = Json::array();
    for (const ArmForecast& arm : forecast.arms) {
      arms.push_back({{"arm", arm.arm},
                      {"trials", arm.trials},
                      {"steps", arm.longest.steps},
                      {"validations", arm.longest.validations},
                      {"load_seconds", arm.longest.load},
                      {"train_seconds", arm.longest.train},
                      {"validate_seconds", arm.longest.validate},
                      {"evaluate_seconds", arm.longest.evaluate},
                      {"trial_seconds", arm.longest.seconds()},
                      {"seconds", arm.seconds}});
    }
    report_["forecast"] = {{"arms", arms},
                           {"trials", forecast.trials},
                           {"complete", forecast.trials == spec::TrialCount(sweep_)},
                           {"at_a_time", forecast.at_a_time},
                           {"device_seconds", forecast.device_seconds},
                           {"wall_seconds", forecast.wall_seconds}};
    const std::optional<double> limit = sweep_.configurations.front().trial.time_limit_seconds;
    for (const ArmForecast& arm : forecast.arms) {
      if (limit && arm.longest.seconds() > *limit) {
        findings_.warnings.push_back(fmt::format("{}: a trial takes about {}, and time_limit is {}", arm.arm,
                                                 FormatDuration(arm.longest.seconds()),
                                                 FormatDuration(*limit)));
      }
    }
  }

  const PreflightOptions& options_;
  const spec::Sweep& sweep_;
  const ScratchFolder scratch_;
  Json report_;
  Findings findings_;
  std::string fingerprint_;
  SplitSizes sizes_;
  std::map<std::string, ArmCost> costs_;
  std::optional<PastTrials> past_;
};

}  // namespace

Status Preflight(const PreflightOptions& options) {
  ASSIGN_OR_RETURN(const SweepFile file, ReadSweepFile(options.file, /*check_files=*/false));
  CountInterrupts();
  ASSIGN_OR_RETURN(ScratchFolder scratch, ScratchFolder::Make("preflight"));
  Json report;
  try {
    ASSIGN_OR_RETURN(report, Preflighter(options, file.sweep, std::move(scratch)).Run());
  } catch (const Json::exception& exception) {
    return Internal("sweep-trainer's answer is not what this sweepctl reads; are both of one build? {}",
                    exception.what());
  }
  if (options.json) {
    fmt::print("{}\n", report.dump(-1, ' ', false, Json::error_handler_t::replace));
  } else {
    fmt::print("{}", RenderPreflight(report, WantsColour(STDOUT_FILENO)));
  }
  if (std::fflush(stdout) != 0) return Internal("cannot write to standard output");
  const std::size_t failures = report["failures"].size();
  if (failures == 0) return absl::OkStatus();
  return Internal("{}: {} will fail", options.file,
                  failures == 1 ? "something" : fmt::format("{} things", failures));
}

}  // namespace lorikeet::sweepctl
