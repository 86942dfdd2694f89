#include "sweeps/sweepctl/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "common/host_name.h"
#include "sweeps/export/lines.h"
#include "sweeps/sweepctl/adapter_files.h"
#include "sweeps/sweepctl/interrupt.h"
#include "sweeps/sweepctl/local_cluster.h"
#include "sweeps/sweepctl/text.h"
#include "sweeps/sweepctl/trainer_program.h"

namespace lorikeet::sweepctl {
namespace {

using exporting::Json;
using exporting::Text;

report::ExtractRequest Ask(const std::string& what, const std::string& name) {
  report::ExtractRequest request;
  request.what = what;
  request.name = name;
  return request;
}

StatusOr<std::vector<Json>> ReadRuns(const Extractor& extractor, const std::string& sweep,
                                     std::string& name) {
  std::vector<Json> runs;
  exporting::Lines lines([&](const Json& line) {
    if (Text(line, "type") == "sweep") name = Text(line, "name");
    if (Text(line, "type") == "run") runs.push_back(line);
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(extractor.Read(Ask("runs", sweep), [&](std::string_view text) { return lines.Add(text); }));
  RETURN_IF_ERROR(lines.Finish());
  return runs;
}

// A scalar of the settings as the trainer's flags take it; empty where it is not there.
std::string Flag(const Json& settings, const char* section, const char* key) {
  const auto found = settings.find(section);
  if (found == settings.end() || !found->is_object() || !found->contains(key)) return "";
  const Json& value = found->at(key);
  if (value.is_string()) return value.get<std::string>();
  return value.is_number() ? value.dump() : "";
}

class Bencher {
 public:
  Bencher(const Extractor& extractor, const BenchOptions& options, ScratchFolder scratch)
      : extractor_(extractor), options_(options), scratch_(std::move(scratch)) {}

  StatusOr<Json> Run() {
    std::string name;
    ASSIGN_OR_RETURN(const std::vector<Json> runs, ReadRuns(extractor_, options_.sweep, name));
    const std::vector<BenchedTrial> trials = TrialsToBench(runs, options_);
    if (trials.empty()) {
      return FailedPrecondition(
          "sweep {} has no adapter of a finished trial that could be measured{}; full "
          "fine-tuning keeps none: `sweep-trainer bench --model` takes its folder",
          name, options_.rows.empty() && !options_.seed ? "" : " among those asked for");
    }
    Json report = {{"sweep", name}};
    ASSIGN_OR_RETURN(const Json base, Measure(trials.front(), "", false));
    report["hostname"] = HostName();
    for (const char* key :
         {"device", "device_model", "threads", "precision", "beams", "documents", "build"}) {
      report[key] = base.at(key);
    }
    rows_.push_back(Row(nullptr, "base", base));
    for (const BenchedTrial& trial : trials) RETURN_IF_ERROR(MeasureTrial(trial));
    report["kept"] = NotKept().empty();
    report["rows"] = rows_;
    return report;
  }
  // Why the coordinator is not to keep it; empty: it is.
  std::string NotKept() const {
    if (extractor_.client() == nullptr) return "--db is read without a coordinator";
    return company_.empty() ? "" : company_ + " while it was measured";
  }

 private:
  Status MeasureTrial(const BenchedTrial& trial) {
    const std::string folder = scratch_.path() + "/adapter";
    std::error_code error;
    std::filesystem::remove_all(folder, error);
    std::filesystem::create_directory(folder, error);
    if (error) return FailedPrecondition("{}: {}", folder, error.message());
    report::ExtractRequest request = Ask("card", options_.sweep);
    request.other = trial.id;
    request.json = true;
    ASSIGN_OR_RETURN(const std::string text, extractor_.ReadAll(request));
    const Json card = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!card.is_object())
      return Internal("'{}': what the database says of its adapter is no object", trial.name);
    RETURN_IF_ERROR(Annotate(TakeAdapter(extractor_, card, folder), "'" + trial.name + "'"));
    ASSIGN_OR_RETURN(const Json unmerged, Measure(trial, folder, false));
    rows_.push_back(Row(&trial, "unmerged", unmerged));
    if (trial.arm != "lora") return absl::OkStatus();
    ASSIGN_OR_RETURN(const Json merged, Measure(trial, folder, true));
    rows_.push_back(Row(&trial, "merged", merged));
    return absl::OkStatus();
  }

  // What `sweep-trainer bench` prints, under the trial's own settings of reading and decoding.
  StatusOr<Json> Measure(const BenchedTrial& trial, const std::string& adapter, bool merged) {
    const Json& settings = trial.settings;
    std::string device = options_.device;
    if (device.empty()) device = CountGpus() > 0 ? "cuda:0" : "cpu";
    std::vector<std::string> command = {options_.programs + "/sweep-trainer", "bench", "--device", device};
    const auto add = [&](const char* flag, const std::string& value) {
      if (value.empty()) return;
      command.push_back(fmt::format("{}={}", flag, value));  // a value may begin with a dash
    };
    add("--model", options_.model.empty() ? Text(settings, "model") : options_.model);
    add("--adapter", adapter);
    add("--input", options_.input.empty() ? Flag(settings, "data", "test") : options_.input);
    add("--format", Flag(settings, "data", "format"));
    for (const char* field : {"source", "target", "id"}) {
      const std::string key = std::string(field) + "_field";
      add(fmt::format("--{}-field", field).c_str(), Flag(settings, "data", key.c_str()));
    }
    add("--source-prefix", Flag(settings, "data", "source_prefix"));
    add("--max-source-tokens", Flag(settings, "data", "max_source_tokens"));
    add("--precision", Flag(settings, "train", "precision"));
    add("--beams", Flag(settings, "evaluate", "beams"));
    add("--max-new-tokens", Flag(settings, "evaluate", "max_new_tokens"));
    add("--min-new-tokens", Flag(settings, "evaluate", "min_new_tokens"));
    add("--length-penalty", Flag(settings, "evaluate", "length_penalty"));
    add("--no-repeat-ngram-size", Flag(settings, "evaluate", "no_repeat_ngram_size"));
    add("--early-stopping", Flag(settings, "evaluate", "early_stopping"));
    const std::string threads = Flag(settings, "resources", "threads");
    add("--threads", options_.threads > 0 ? std::to_string(options_.threads) : threads);
    add("--batch", std::to_string(options_.batch));
    add("--documents", std::to_string(options_.documents));
    if (merged) command.emplace_back("--merged");
    ASSIGN_OR_RETURN(const TrainerAnswer answer, AskTrainer(command, scratch_));
    RETURN_IF_ERROR(LookForCompany());
    if (answer.exit.ok() && answer.json) return *answer.json;
    std::string why = answer.errors;
    while (!why.empty() && why.back() == '\n') why.pop_back();
    return FailedPrecondition("{}{}: {}{}", adapter.empty() ? "the base model" : trial.name,
                              merged ? ", merged" : "", Describe(answer.exit), why.empty() ? "" : "; " + why);
  }

  // After each measurement: what began meanwhile and ended before is not seen, but trials take longer.
  Status LookForCompany() {
    if (extractor_.client() == nullptr || !company_.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(company_, Company(*extractor_.client()));
    return absl::OkStatus();
  }

  static Json Row(const BenchedTrial* trial, const std::string& variant, const Json& measured) {
    const auto of_result = [&](const char* key) {
      return trial != nullptr && trial->result.contains(key) ? trial->result.at(key) : Json();
    };
    const auto tokens = measured.at("generated_tokens").get<double>();
    return {{"configuration", trial == nullptr ? "base model" : trial->configuration},
            {"arm", trial == nullptr ? Json() : Json(trial->arm)},
            {"trial", trial == nullptr ? Json() : Json(trial->name)},
            {"trial_id", trial == nullptr ? Json() : Json(trial->id)},
            {"variant", variant},
            {"trainable_share", of_result("trainable_share")},
            {"latency_p50_seconds", measured.at("latency_p50_seconds")},
            {"latency_p95_seconds", measured.at("latency_p95_seconds")},
            {"batch", measured.at("batch")},
            {"tokens_per_second", measured.at("tokens_per_second")},
            {"tokens_per_summary", tokens / std::max(1.0, measured.at("documents").get<double>())},
            {"extra_tokens", measured.at("extra_tokens")},
            {"adapter_bytes", of_result("adapter_bytes")}};
  }

  const Extractor& extractor_;
  const BenchOptions& options_;
  const ScratchFolder scratch_;
  Json rows_ = Json::array();
  std::string company_;  // what was seen beside the measurements
};

}  // namespace

std::vector<BenchedTrial> TrialsToBench(const std::vector<Json>& runs, const BenchOptions& options) {
  std::vector<BenchedTrial> trials;
  for (const Json& run : runs) {
    const std::string arm = Text(run, "arm"), configuration = Text(run, "configuration");
    if ((arm != "lora" && arm != "prompt") || configuration.find(options.rows) == std::string::npos) continue;
    const Json adapter = run.value("adapter", Json());
    const bool kept = adapter.is_number() && adapter.get<double>() != 0;
    if (!kept || !run.contains("result") || !run.at("result").is_object() || !run.contains("settings") ||
        !run.at("settings").is_object()) {
      continue;
    }
    const std::int64_t seed =
        run.contains("seed") && run.at("seed").is_number() ? run.at("seed").get<std::int64_t>() : 0;
    if (options.seed && seed != *options.seed) continue;
    const bool has = std::any_of(trials.begin(), trials.end(),
                                 [&](const BenchedTrial& one) { return one.configuration == configuration; });
    if (has) continue;
    trials.push_back({.id = Text(run, "id"),
                      .name = Text(run, "name"),
                      .configuration = configuration,
                      .arm = arm,
                      .seed = seed,
                      .settings = run.at("settings"),
                      .result = run.at("result")});
  }
  return trials;
}

Status Bench(const Extractor& extractor, const BenchOptions& options) {
  CountInterrupts();
  Client* const client = extractor.client();
  if (client != nullptr && !options.beside) {
    ASSIGN_OR_RETURN(const std::string company, Company(*client));
    if (!company.empty()) {
      return FailedPrecondition(
          "{}: what is measured beside that is slower than alone. Pause the sweep or wait; --beside measures "
          "all the same, and keeps nothing",
          company);
    }
  }
  ASSIGN_OR_RETURN(ScratchFolder scratch, ScratchFolder::Make("bench"));
  try {
    Bencher bencher(extractor, options, std::move(scratch));
    ASSIGN_OR_RETURN(const Json report, bencher.Run());
    fmt::print("{}", RenderBench(report, options.format));
    if (const std::string why = bencher.NotKept(); !why.empty()) {
      fmt::print(stderr, "Not kept: {}.\n", why);
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const v1::PutBenchmarksResponse kept, client->PutBenchmarks(RequestOf(report)));
    const std::string went =
        kept.replaced() == 0
            ? ""
            : fmt::format("; {} measured on another machine or in another way went", kept.replaced());
    fmt::print(stderr, "Kept with the results of {}: {} rows{}.\n", Printable(kept.sweep()), kept.rows(),
               went);
  } catch (const Json::exception& exception) {
    return Internal("sweep-trainer's answer is not what this sweepctl reads; are both of one build? {}",
                    exception.what());
  }
  return absl::OkStatus();
}

}  // namespace lorikeet::sweepctl
