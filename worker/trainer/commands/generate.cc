#include "common/files.h"
#include "worker/trainer/commands/commands.h"
#include "worker/trainer/commands/json_lines.h"
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
  std::string text;
  for (std::size_t i = 0; i < summaries->texts.size(); ++i) {
    text += Line({{"id", input.split.documents[i].id},
                  {"summary", summaries->texts[i]},
                  {"tokens", summaries->generated[i].tokens}});
  }
  return WriteFileAtomically(options.output, text);
}

}  // namespace

void AddGenerateCommand(CLI::App& app, int& exit_code) {
  CLI::App* const command = app.add_subcommand("generate", "Summaries of the articles of a file");
  auto options = std::make_shared<GenerateOptions>();
  AddModelOptions(*command, options->model);
  command->add_option("--output", options->output, "JSONL: id, summary, tokens; in input order")->required();
  EvaluateSettings& evaluate = options->evaluate;
  command->add_option("--beams", evaluate.beams, "1: greedy")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--max-new-tokens", evaluate.max_new_tokens, "The longest summary")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--min-new-tokens", evaluate.min_new_tokens, "The shortest summary")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--length-penalty", evaluate.length_penalty, "Exponent of the length, with beams")
      ->capture_default_str();
  command->add_option("--no-repeat-ngram-size", evaluate.no_repeat_ngram_size, "0: n-grams may repeat")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--early-stopping", evaluate.early_stopping, "With beams, as transformers means it")
      ->check(CLI::IsMember({"true", "false", "never"}))
      ->capture_default_str();
  command->callback(
      [options, &exit_code] { exit_code = RunCommand("generate", [&] { return Run(*options); }); });
}

}  // namespace lorikeet::trainer
