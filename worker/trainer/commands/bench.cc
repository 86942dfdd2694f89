#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "common/build_info.h"
#include "common/files.h"
#include "worker/trainer/adapter/adapter.h"
#include "worker/trainer/commands/commands.h"
#include "worker/trainer/commands/json_lines.h"
#include "worker/trainer/commands/model_options.h"
#include "worker/trainer/train/batches.h"
#include "worker/trainer/train/device.h"
#include "worker/trainer/train/evaluate.h"
#include "worker/trainer/train/terminal.h"

namespace lorikeet::trainer {
namespace {

struct BenchOptions {
  ModelOptions model;
  EvaluateSettings evaluate;
  std::string output;
  bool merged = false;
};

// Generates the input's summaries under one batch size after another, untimed and timed.
class Bench {
 public:
  Bench(const LoadedInput& input, const AdapterView* adapter, EvaluateSettings settings)
      : input_(input), adapter_(adapter), settings_(std::move(settings)) {}

  // Whatever the first use of memory and kernels costs is paid here: with the longest documents, alone and
  // together.
  Status WarmUp(std::int64_t batch) {
    const std::vector<std::size_t> order = OrderByLength(Pointers(input_.split.examples));
    std::vector<Example> longest;
    for (std::size_t i = 0; i < std::min(order.size(), static_cast<std::size_t>(batch)); ++i) {
      longest.push_back(input_.split.examples[order[i]]);
    }
    std::int64_t one = 1;
    RETURN_IF_ERROR(Run("warming up", {longest.front()}, one).status());
    return Run("warming up", longest, batch).status();
  }

  // `batch` becomes what fits into memory.
  StatusOr<Summaries> Measure(std::int64_t& batch) {
    return Run(fmt::format("batch {}", batch), input_.split.examples, batch);
  }

 private:
  StatusOr<Summaries> Run(const std::string& phase, const std::vector<Example>& examples,
                          std::int64_t& batch) {
    EvaluateSettings settings = settings_;
    settings.batch_size = batch;
    GenerateHooks hooks;
    hooks.documents_done = [&](std::int64_t done) {
      line_.Update(phase, done, static_cast<std::int64_t>(examples.size()), std::nullopt, 0, -1);
    };
    hooks.memory_observer = [&](std::int64_t size, const std::string& why) {
      line_.Clear();
      fmt::print(stderr, "sweep-trainer bench: {}: {} documents at a time instead of {}\n", why, size, batch);
      batch = size;
    };
    ASSIGN_OR_RETURN(auto summaries, Summarize(*input_.loaded.model, adapter_, *input_.loaded.tokenizer,
                                               examples, settings, hooks));
    line_.Clear();
    if (!summaries) return Internal("generation was stopped");
    return *std::move(summaries);
  }

  const LoadedInput& input_;
  const AdapterView* adapter_;
  const EvaluateSettings settings_;
  ProgressLine line_;
};

// Without LoRA there is nothing to fold in.
Status Merge(LoadedModel& loaded) {
  if (const Status merged = MergeAdapter(*loaded.adapter, *loaded.model); !merged.ok()) {
    return Annotate(merged, "--merged");
  }
  loaded.adapter.reset();
  return absl::OkStatus();
}

Status Run(const BenchOptions& options) {
  if (options.merged && options.model.adapter.empty()) {
    return InvalidArgument("--merged: folds LoRA into the model; --adapter DIR names it");
  }
  ASSIGN_OR_RETURN(LoadedInput input, LoadInput(options.model, /*target_needed=*/false));
  if (input.split.examples.empty()) {
    return InvalidArgument("{}: no document with an article", options.model.input);
  }
  const std::int64_t parameters = input.loaded.adapter ? input.loaded.adapter->parameter_count() : 0;
  const at::Tensor prompt = input.loaded.adapter ? input.loaded.adapter->Prompt() : at::Tensor();
  const std::string kind = !input.loaded.adapter ? "none" : prompt.defined() ? "prompt" : "lora";
  if (options.merged) RETURN_IF_ERROR(Merge(input.loaded));

  const auto documents = static_cast<std::int64_t>(input.split.examples.size());
  std::int64_t one = 1, batch = std::min(options.model.batch, documents);
  Bench bench(input, input.loaded.adapter.get(), options.evaluate);
  RETURN_IF_ERROR(bench.WarmUp(batch));
  ASSIGN_OR_RETURN(const Summaries alone, bench.Measure(one));
  ASSIGN_OR_RETURN(const Summaries together, bench.Measure(batch));
  const GenerationCost latency = CostOf(alone), throughput = CostOf(together);

  if (!options.output.empty()) {
    RETURN_IF_ERROR(WriteFileAtomically(options.output, SummaryLines(input.split, alone)));
  }
  const at::Device device = input.loaded.model->device();
  const std::string line = Line({{"device", device.str()},
                                 {"device_model", DeviceModel(device)},
                                 {"precision", input.precision},
                                 {"threads", ComputeThreads()},
                                 {"adapter", kind},
                                 {"adapter_parameters", parameters},
                                 {"merged", options.merged},
                                 {"extra_tokens", prompt.defined() ? prompt.size(0) : 0},
                                 {"documents", documents},
                                 {"beams", options.evaluate.beams},
                                 {"max_new_tokens", options.evaluate.max_new_tokens},
                                 {"generated_tokens", alone.tokens},
                                 {"latency_p50_seconds", latency.latency_p50_seconds},
                                 {"latency_p95_seconds", latency.latency_p95_seconds},
                                 {"batch", batch},
                                 {"tokens_per_second", throughput.tokens_per_second},
                                 {"build", Build()}});
  std::fputs(line.c_str(), stdout);
  if (std::fflush(stdout) != 0) return Internal("cannot write to standard output");
  return absl::OkStatus();
}

}  // namespace

void AddBenchCommand(CLI::App& app, int& exit_code) {
  CLI::App* const command = app.add_subcommand(
      "bench", "Latency of generating one document, and speed in batches, as a line of JSON");
  auto options = std::make_shared<BenchOptions>();
  AddModelOptions(*command, options->model);
  AddDecodingOptions(*command, options->evaluate);
  options->model.documents = 32;
  command->add_option("--documents", options->model.documents, "The first N documents of the input")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_flag("--merged", options->merged, "With the LoRA of --adapter folded into the model");
  command->add_option("--output", options->output, "The summaries too, as generate writes them");
  command->callback(
      [options, &exit_code] { exit_code = RunCommand("bench", [&] { return Run(*options); }); });
}

}  // namespace lorikeet::trainer
