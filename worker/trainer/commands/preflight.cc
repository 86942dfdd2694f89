#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "common/build_info.h"
#include "common/command_line.h"
#include "common/files.h"
#include "worker/files/fingerprint.h"
#include "worker/trainer/commands/commands.h"
#include "worker/trainer/commands/json_lines.h"
#include "worker/trainer/commands/model_options.h"
#include "worker/trainer/train/cpu_memory.h"
#include "worker/trainer/train/data_report.h"
#include "worker/trainer/train/device.h"
#include "worker/trainer/train/memory.h"
#include "worker/trainer/train/probe.h"
#include "worker/trainer/train/terminal.h"
#include "worker/trainer/train/trial_run.h"

namespace lorikeet::trainer {
namespace {

struct PreflightOptions {
  std::string trial, only, cache, device = "cpu";
  std::int64_t threads = 0;
};

OrderedJson ToJson(const text::Lengths& lengths, std::int64_t limit, std::int64_t documents) {
  const double share = documents > 0 ? static_cast<double>(lengths.cut) / static_cast<double>(documents) : 0;
  return {{"p50", lengths.p50},
          {"p95", lengths.p95},
          {"max", lengths.max},
          {"limit", limit},
          {"mean_kept", lengths.mean_kept},
          {"cut", lengths.cut},
          {"share_cut", share}};
}

OrderedJson ToJson(const DataReport& report, const DataSettings& settings) {
  OrderedJson splits = OrderedJson::array(), overlaps = OrderedJson::array();
  for (const SplitReport& split : report.splits) {
    splits.push_back({{"split", split.name},
                      {"documents", split.documents},
                      {"source_tokens", ToJson(split.source, settings.max_source_tokens, split.documents)},
                      {"target_tokens", ToJson(split.target, settings.max_target_tokens, split.documents)},
                      {"share_unknown", split.unknown_share},
                      {"repeated_texts", split.repeated}});
  }
  for (const text::Overlap& overlap : report.overlaps) {
    OrderedJson examples = OrderedJson::array();
    for (const auto& [first, second] : overlap.examples) examples.push_back({first, second});
    overlaps.push_back({{"splits", {overlap.first, overlap.second}},
                        {"same_id", overlap.ids},
                        {"same_text", overlap.texts},
                        {"examples", examples}});
  }
  const Rendered& example = report.example;
  return {{"splits", splits},
          {"overlaps", overlaps},
          {"empty_documents", report.empty_documents},
          {"example",
           {{"id", example.id},
            {"source", example.source},
            {"source_tokens", example.source_tokens},
            {"source_cut", example.source_cut},
            {"target", example.target},
            {"target_tokens", example.target_tokens},
            {"target_cut", example.target_cut}}},
          {"warnings", report.warnings}};
}

OrderedJson ToJson(const std::optional<ProbedStep>& step) {
  if (!step) return nullptr;
  return {{"seconds", step->seconds}, {"loss", step->loss}, {"tokens", step->tokens}};
}

OrderedJson ToJson(const std::optional<double>& value) { return value ? OrderedJson(*value) : OrderedJson(); }

OrderedJson ToJson(const Probe& probe, const Trial& trial) {
  return {{"configuration", trial.configuration},
          {"precision", probe.precision},
          {"load_seconds", probe.load_seconds},
          {"train_documents", probe.train_documents},
          {"validation_documents", probe.validation_documents},
          {"test_documents", probe.test_documents},
          {"trainable_parameters", probe.trainable_parameters},
          {"total_steps", probe.total_steps},
          {"batch_size", trial.train.batch_size},
          {"micro_batch_size", probe.micro_batch_size},
          {"typical_step", ToJson(probe.typical_step)},
          {"longest_step", ToJson(probe.longest_step)},
          {"loss_seconds_per_document", ToJson(probe.loss_seconds)},
          {"generate_seconds_per_document", ToJson(probe.generate_seconds)},
          {"generated_documents", probe.generated_documents},
          {"generated_tokens", probe.generated_tokens},
          {"peak_memory_bytes", probe.peak_memory_bytes},
          {"warnings", probe.warnings}};
}

StatusOr<OrderedJson> CheckData(const Trial& trial, ProgressLine& line) {
  ASSIGN_OR_RETURN(const std::unique_ptr<text::Tokenizer> tokenizer, text::Tokenizer::Load(trial.model));
  line.Update("reading documents", 0, 0, std::nullopt, 0, -1);
  ASSIGN_OR_RETURN(const DataReport report,
                   ReportData(trial.data, *tokenizer, [&](std::int64_t done, std::int64_t all) {
                     line.Update("counting tokens", done, all, std::nullopt, 0, -1);
                   }));
  return ToJson(report, trial.data);
}

// Where trying it out fails, what was found before is printed too, with the failure: `failed` then.
Status Run(const PreflightOptions& options, bool& failed) {
  ASSIGN_OR_RETURN(const std::string json, ReadFile(options.trial));
  auto read = TrialFromJson(json);
  if (!read.ok()) return Annotate(read.status(), options.trial);
  const Trial trial = *std::move(read);
  if (!std::filesystem::is_directory(trial.model)) {
    return NotFound("{}: no such model directory", trial.model);
  }
  SetUpCompute(options.threads > 0 ? options.threads : trial.resources.threads.value_or(0));
  // Counting tokens is nothing that the trial does, nor under its limit.
  if (options.only != "data") RETURN_IF_ERROR(LimitMemory(trial, options.device));
  ProbeOptions probe_options;
  ASSIGN_OR_RETURN(probe_options.device, ParseDevice(options.device));
  probe_options.fast_bf16 = HasFastBf16(probe_options.device);
  probe_options.cache = files::FolderCache(options.cache);
  if (CpuMemory::Limit() > 0) probe_options.measure_memory = [] { CpuMemory::Install().MeasureOther(); };
  ASSIGN_OR_RETURN(const std::string fingerprint, files::FingerprintModel(trial.model, probe_options.cache));

  ProgressLine line;
  OrderedJson answer = {{"device", probe_options.device.str()},
                        {"device_model", DeviceModel(probe_options.device)},
                        {"threads", ComputeThreads()},
                        {"model_fingerprint", fingerprint}};
  if (options.only != "work") {
    ASSIGN_OR_RETURN(answer["data"], CheckData(trial, line));
  }
  Status status;
  if (options.only != "data" && trial.method != Method::kLead) {
    probe_options.phase = [&](const std::string& phase) {
      line.Clear();  // what comes lasts, and is to be seen at once
      line.Update(fmt::format("{}: {}", trial.configuration, phase), 0, 0, std::nullopt, 0, -1);
    };
    Probe probe;
    status = ProbeTrial(trial, probe_options, probe);
    answer["work"] = ToJson(probe, trial);
  }
  line.Clear();
  if (!status.ok()) answer["failure"] = {{"kind", FailureKind(status)}, {"message", Message(status)}};
  answer["build"] = Build();
  std::fputs(Line(answer).c_str(), stdout);
  if (std::fflush(stdout) != 0) return Internal("cannot write to standard output");
  failed = !status.ok();
  return absl::OkStatus();
}

}  // namespace

void AddPreflightCommand(CLI::App& app, int& exit_code) {
  CLI::App* const command = app.add_subcommand(
      "preflight", "Looks at a trial's documents and tries a few of its steps; one JSON object");
  auto options = std::make_shared<PreflightOptions>();
  command->add_option("--trial", options->trial, "The trial's settings, as JSON")->required();
  command->add_option("--only", options->only, "data: its documents alone; work: its steps alone")
      ->check(CLI::IsMember({"data", "work"}));
  command->add_option("--cache", options->cache, "A folder for tokens and fingerprints, as train's");
  command->add_option("--device", options->device, "cpu or cuda:N")->capture_default_str();
  command->add_option("--threads", options->threads, "CPU threads; 0: the trial's, else every core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->callback([options, &exit_code] {
    bool failed = false;
    exit_code = RunCommand("preflight", [&] { return Run(*options, failed); });
    if (failed) exit_code = kExitFailed;
  });
}

}  // namespace lorikeet::trainer
