#include "worker/trainer/train/pretrain.h"

#include <chrono>
#include <filesystem>

#include "worker/text/documents.h"
#include "worker/text/train_tokenizer.h"
#include "worker/trainer/commands/commands.h"
#include "worker/trainer/commands/model_options.h"
#include "worker/trainer/files/folder.h"
#include "worker/trainer/files/tensor_files.h"
#include "worker/trainer/train/device.h"
#include "worker/trainer/train/terminal.h"

namespace lorikeet::trainer {
namespace {

struct PretrainCommand {
  std::vector<std::string> texts, pairs;
  std::vector<std::string> fields{"article", "abstract"};
  std::string format = "auto", out, tokenizer, dtype = "fp32", device = "cpu", feed_forward = "gated-gelu";
  std::int64_t vocabulary = 4000, decoder_layers = 0, threads = 0;
  std::optional<std::int64_t> limit;
  bool untied = false;
  PretrainOptions options;
};

// A field of a JSONL file is read as if it were the article; the PubMed files have both under their own
// names.
StatusOr<std::vector<std::string>> ReadTexts(const PretrainCommand& command) {
  std::vector<std::string> texts;
  for (const std::string& path : command.texts) {
    if (command.format == "plain") {
      RETURN_IF_ERROR(text::ForEachLine(path, [&](std::int64_t number, std::string& line) {
        if (!line.empty() && (!command.limit || number <= *command.limit)) texts.push_back(std::move(line));
        return absl::OkStatus();
      }));
      continue;
    }
    text::ReadOptions read;
    read.format = command.format;
    read.limit = command.limit;
    read.target_needed = false;
    read.source_field = command.fields[0];
    if (command.fields.size() > 1) read.target_field = command.fields[1];
    ASSIGN_OR_RETURN(text::Documents documents, text::ReadDocuments(path, read));
    for (text::Document& document : documents.documents) {
      texts.push_back(std::move(document.source));
      if (command.fields.size() > 1 && !document.target.empty()) texts.push_back(std::move(document.target));
    }
  }
  return texts;
}

StatusOr<std::vector<text::Document>> ReadPairs(const PretrainCommand& command) {
  std::vector<text::Document> pairs;
  for (const std::string& path : command.pairs) {
    text::ReadOptions read;
    read.format = command.format == "plain" ? "auto" : command.format;
    read.limit = command.limit;
    read.source_field = command.fields[0];
    if (command.fields.size() > 1) read.target_field = command.fields[1];
    ASSIGN_OR_RETURN(text::Documents documents, text::ReadDocuments(path, read));
    std::move(documents.documents.begin(), documents.documents.end(), std::back_inserter(pairs));
  }
  return pairs;
}

Status MakeTokenizer(const PretrainCommand& command, const PretrainTexts& texts,
                     const std::string& directory) {
  text::TokenizerTraining training;
  training.pieces = command.vocabulary;
  std::size_t next = 0;
  return text::TrainTokenizer(
      [&](std::string& sentence) -> StatusOr<bool> {
        const std::size_t count = texts.texts.size();
        if (next == count + texts.pairs.size()) return false;
        sentence = next < count ? texts.texts[next] : texts.pairs[next - count].source;
        ++next;
        return true;
      },
      training, directory);
}

// Holds the new tokenizer until the model is saved with it; goes away whatever happens.
struct ScratchFolder {
  std::string path;
  ScratchFolder() = default;
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code error;
    if (!path.empty()) std::filesystem::remove_all(path, error);
  }
};

Status Run(PretrainCommand& command) {
  RETURN_IF_ERROR(CheckReplaceable(command.out));
  SetUpCompute(command.threads);
  PretrainOptions& options = command.options;
  ASSIGN_OR_RETURN(options.device, ParseDevice(command.device));
  T5Config& config = options.config;
  config.num_decoder_layers = command.decoder_layers > 0 ? command.decoder_layers : config.num_layers;
  config.gated = command.feed_forward == "gated-gelu";
  config.activation = config.gated ? "gelu_new" : "relu";
  config.tie_word_embeddings = config.scale_decoder_outputs = !command.untied;

  PretrainTexts texts;
  ASSIGN_OR_RETURN(texts.texts, ReadTexts(command));
  ASSIGN_OR_RETURN(texts.pairs, ReadPairs(command));
  ScratchFolder scratch;
  if (command.tokenizer.empty()) {
    scratch.path = FolderPath(command.out) + ".tokenizer";
    RETURN_IF_ERROR(MakeTokenizer(command, texts, scratch.path));
  }
  const std::string& tokenizer_directory = command.tokenizer.empty() ? scratch.path : command.tokenizer;
  ASSIGN_OR_RETURN(const auto tokenizer, text::Tokenizer::Load(tokenizer_directory));

  ProgressLine line(
      ProgressLine::Off::kEveryHalfMinute);  // it takes long, and a file may be all there is to see
  const auto start = std::chrono::steady_clock::now();
  double loss = 0;  // a moving average: single batches jump about
  std::int64_t tokens = 0;
  const auto report = [&](const PretrainProgress& progress) {
    loss = progress.step == 1 ? progress.loss : loss * 0.98 + progress.loss * 0.02;
    tokens += progress.tokens;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    line.Update(
        "pretraining", progress.step, options.steps, loss, static_cast<double>(tokens) / seconds,
        seconds / static_cast<double>(progress.step) * static_cast<double>(options.steps - progress.step));
  };
  ASSIGN_OR_RETURN(const std::unique_ptr<T5> model, Pretrain(options, texts, *tokenizer, report));
  line.Clear();
  RETURN_IF_ERROR(
      model->Save(command.out, tokenizer_directory, command.dtype == "bf16" ? at::kBFloat16 : at::kFloat));
  fmt::print("{{\"parameters\": {}, \"steps\": {}, \"loss\": {:.4f}}}\n", model->parameter_count(),
             options.steps, loss);
  return absl::OkStatus();
}

void AddModelShape(CLI::App& command, PretrainCommand& settings) {
  T5Config& config = settings.options.config;
  config.d_model = 128;
  config.d_ff = 256;
  config.d_kv = 32;
  config.num_heads = 4;
  config.num_layers = 2;
  const auto add = [&](const char* name, std::int64_t& value, const char* help) {
    command.add_option(name, value, help)->check(CLI::PositiveNumber)->capture_default_str();
  };
  add("--d-model", config.d_model, "Width");
  add("--d-ff", config.d_ff, "Width of the feed forward");
  add("--d-kv", config.d_kv, "Width of a head");
  add("--heads", config.num_heads, "Attention heads");
  add("--layers", config.num_layers, "Encoder layers");
  command.add_option("--decoder-layers", settings.decoder_layers, "Default: as many as in the encoder")
      ->check(CLI::PositiveNumber);
  command.add_option("--feed-forward", settings.feed_forward, "v1.1's gate, or v1.0's")
      ->check(CLI::IsMember({"gated-gelu", "relu"}))
      ->capture_default_str();
  command.add_option("--dropout", config.dropout_rate, "Also written to config.json")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str();
  command.add_flag("--untied-head", settings.untied, "An lm_head of its own, as v1.1 has");
}

void AddTraining(CLI::App& command, PretrainCommand& settings) {
  PretrainOptions& options = settings.options;
  const auto add = [&](const char* name, std::int64_t& value, const char* help) {
    command.add_option(name, value, help)->check(CLI::PositiveNumber)->capture_default_str();
  };
  add("--steps", options.steps, "Optimizer steps");
  add("--batch", options.batch_size, "Texts a step");
  add("--length", options.length, "Tokens of a corrupted text");
  command.add_option("--learning-rate", options.learning_rate, "At its highest")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--schedule", options.schedule, "After the warm-up")
      ->check(CLI::IsMember({"constant", "linear", "cosine"}))
      ->capture_default_str();
  command.add_option("--warmup", options.warmup_steps, "Steps")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--optimizer", options.optimizer.name, "adamw or adafactor")
      ->check(CLI::IsMember({"adamw", "adafactor"}))
      ->capture_default_str();
  command
      .add_option("--weight-decay", options.optimizer.weight_decay,
                  "A step's share of the rate by which weights shrink")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_flag("--scale-parameter", options.optimizer.scale_parameter, "With Adafactor");
  command.add_option("--gradient-clip", options.gradient_clip, "Global norm; 0: none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--density", options.corruption.density, "Share of tokens that are hidden")
      ->check(CLI::Range(0.01, 0.9))
      ->capture_default_str();
  command.add_option("--mean-span", options.corruption.mean_span, "Tokens of a hidden span")
      ->check(CLI::Range(1.0, 100.0))
      ->capture_default_str();
  command
      .add_option("--prefix-lm", options.prefix_lm, "Share of texts to go on with instead of filling spans")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--seed", options.seed, "Of weights, order, spans and dropout")->capture_default_str();
}

}  // namespace

void AddPretrainCommand(CLI::App& app, int& exit_code) {
  CLI::App* const command =
      app.add_subcommand("pretrain", "Makes a small base model by span corruption (and prefix LM)");
  auto settings = std::make_shared<PretrainCommand>();
  command->add_option("--text", settings->texts, "Files to train on; may be given several times")->required();
  command->add_option("--format", settings->format, "plain: a text a line")
      ->check(CLI::IsMember({"auto", "jsonl", "cohan", "plain"}))
      ->capture_default_str();
  command->add_option("--field", settings->fields, "One or two keys of JSONL objects whose texts are used")
      ->expected(1, 2)
      ->capture_default_str();
  command
      ->add_option("--pairs", settings->pairs, "Files whose first field is read and second field is written")
      ->needs(command->add_option("--pair-share", settings->options.pair_share, "Of each batch")
                  ->check(CLI::Range(0.0, 1.0)));
  command->add_option("--limit", settings->limit, "The first N texts of every file")
      ->check(CLI::PositiveNumber);
  command->add_option("--out", settings->out, "The new model's directory; a model that is there is replaced")
      ->required();
  auto* const vocabulary =
      command->add_option("--vocabulary", settings->vocabulary, "Pieces of a new SentencePiece model")
          ->check(CLI::PositiveNumber)
          ->capture_default_str();
  command->add_option("--tokenizer", settings->tokenizer, "Use this directory's spiece.model")
      ->excludes(vocabulary);
  command->add_option("--dtype", settings->dtype, "Of the saved file")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  command->add_option("--device", settings->device, "cpu or cuda:N")->capture_default_str();
  command->add_option("--threads", settings->threads, "CPU threads; 0: every core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  AddModelShape(*command, *settings);
  AddTraining(*command, *settings);
  command->callback(
      [settings, &exit_code] { exit_code = RunCommand("pretrain", [&] { return Run(*settings); }); });
}

}  // namespace lorikeet::trainer
