#include "common/files.h"
#include "worker/trainer/commands/commands.h"
#include "worker/trainer/commands/model_options.h"
#include "worker/trainer/train/evaluate.h"
#include "worker/trainer/train/terminal.h"

namespace lorikeet::trainer {
namespace {

struct GenerateOptions {
  ModelOptions model;
  std::string output;
  EvaluateSettings evaluate;
};

Status Run(const GenerateOptions& options) {
  ASSIGN_OR_RETURN(const LoadedInput input, LoadInput(options.model, /*target_needed=*/false));
  EvaluateSettings settings = options.evaluate;
  settings.batch_size = options.model.batch;
  ProgressLine line;
  const auto total = static_cast<std::int64_t>(input.split.examples.size());
  GenerateHooks hooks;
  hooks.documents_done = [&](std::int64_t done) {
    line.Update("generating", done, total, std::nullopt, 0, -1);
  };
  ASSIGN_OR_RETURN(const auto summaries,
                   Summarize(*input.loaded.model, input.loaded.adapter.get(), *input.loaded.tokenizer,
                             input.split.examples, settings, hooks));
  line.Clear();
  if (!summaries) return Internal("generation was stopped");
  return WriteFileAtomically(options.output, SummaryLines(input.split, *summaries));
}

}  // namespace

void AddGenerateCommand(CLI::App& app, int& exit_code) {
  CLI::App* const command = app.add_subcommand("generate", "Summaries of the articles of a file");
  auto options = std::make_shared<GenerateOptions>();
  AddModelOptions(*command, options->model);
  command->add_option("--output", options->output, "JSONL: id, summary, tokens; in input order")->required();
  AddDecodingOptions(*command, options->evaluate);
  command->callback(
      [options, &exit_code] { exit_code = RunCommand("generate", [&] { return Run(*options); }); });
}

}  // namespace lorikeet::trainer
