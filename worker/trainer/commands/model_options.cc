#include "worker/trainer/commands/model_options.h"

#include <fmt/format.h>

#include <cstdio>

#include "common/command_line.h"
#include "worker/trainer/commands/json_lines.h"
#include "worker/trainer/train/device.h"
#include "worker/trainer/train/memory.h"

namespace lorikeet::trainer {
namespace {

CLI::Validator NotFp16() {
  return {[](const std::string& given) { return given == "fp16" ? kWhyNotFp16 : std::string(); }, ""};
}

}  // namespace

void AddModelOptions(CLI::App& command, ModelOptions& options) {
  command
      .add_option("--model", options.model,
                  "A Hugging Face directory: config.json, *.safetensors, spiece.model")
      ->required();
  command.add_option("--adapter", options.adapter, "A PEFT directory: LoRA or prompt tuning");
  command
      .add_option("--input", options.input,
                  "JSONL (plain, gzip or zstd), or the PubMed files of Cohan et al.")
      ->required();
  command.add_option("--batch", options.batch, "Documents at a time")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--precision", options.precision, "Of the matrix products")
      ->check(NotFp16())
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  command.add_option("--device", options.device, "cpu or cuda:N")->capture_default_str();
  command.add_option("--threads", options.threads, "CPU threads; 0: every core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command.add_option("--source-prefix", options.source_prefix,
                     "Put before every article, such as 'summarize: '");
  command.add_option("--max-source-tokens", options.max_source_tokens, "Longer articles are cut, </s> stays")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      .add_option("--max-target-tokens", options.max_target_tokens, "Longer abstracts are cut, </s> stays")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--format", options.format, "Of the input")
      ->check(CLI::IsMember({"auto", "jsonl", "cohan"}))
      ->capture_default_str();
  command.add_option("--source-field", options.source_field, "The article's key")->capture_default_str();
  command.add_option("--target-field", options.target_field, "The abstract's key")->capture_default_str();
  command.add_option("--id-field", options.id_field, "The id's key; without it: the line number")
      ->capture_default_str();
}

void AddDecodingOptions(CLI::App& command, EvaluateSettings& options) {
  command.add_option("--beams", options.beams, "1: greedy")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--max-new-tokens", options.max_new_tokens, "The longest summary")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--min-new-tokens", options.min_new_tokens, "The shortest summary")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--length-penalty", options.length_penalty, "Exponent of the length, with beams")
      ->capture_default_str();
  command.add_option("--no-repeat-ngram-size", options.no_repeat_ngram_size, "0: n-grams may repeat")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--early-stopping", options.early_stopping, "With beams, as transformers means it")
      ->check(CLI::IsMember({"true", "false", "never"}))
      ->capture_default_str();
}

StatusOr<LoadedInput> LoadInput(const ModelOptions& options, bool target_needed) {
  SetUpCompute(options.threads);
  LoadOptions load;
  ASSIGN_OR_RETURN(load.device, ParseDevice(options.device));
  const bool bf16 = options.precision == "bf16";
  if (bf16 && !HasFastBf16(load.device)) {
    fmt::print(stderr, "sweep-trainer: {}: no instructions for bf16: fp32 is used in its place\n",
               DeviceModel(load.device));
  }
  load.compute = bf16 && HasFastBf16(load.device) ? at::kBFloat16 : at::kFloat;
  LoadedInput input;
  input.precision = load.compute == at::kBFloat16 ? "bf16" : "fp32";
  ASSIGN_OR_RETURN(input.loaded, LoadModel(options.model, options.adapter, load));

  text::ReadOptions read;
  read.format = options.format;
  read.source_field = options.source_field;
  read.target_field = options.target_field;
  read.id_field = options.id_field;
  read.target_needed = target_needed;
  read.limit = options.documents;
  ASSIGN_OR_RETURN(text::Documents documents, text::ReadDocuments(options.input, read));
  input.empty = documents.empty;
  if (input.empty > 0) {
    fmt::print(stderr, "sweep-trainer: {}: {} documents with an empty {} are left out\n", options.input,
               input.empty, target_needed ? "article or abstract" : "article");
  }
  input.split.documents = std::move(documents.documents);
  DataSettings settings;
  settings.source_prefix = options.source_prefix;
  settings.max_source_tokens = options.max_source_tokens;
  settings.max_target_tokens = options.max_target_tokens;
  Tokenize(settings, *input.loaded.tokenizer, input.split);
  return input;
}

std::string SummaryLines(const Split& split, const Summaries& summaries) {
  std::string text;
  for (std::size_t i = 0; i < summaries.texts.size(); ++i) {
    text += Line({{"id", split.documents[i].id},
                  {"summary", summaries.texts[i]},
                  {"tokens", summaries.generated[i].tokens}});
  }
  return text;
}

int RunCommand(const std::string& command, const std::function<Status()>& work) {
  return ExitWith(CatchExceptions(work), "sweep-trainer " + command);
}

}  // namespace lorikeet::trainer
