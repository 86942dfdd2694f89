// One measurement of the trainer: training steps or generation, on random weights and random tokens of a
// named shape, tokenizing a file, or a plain matrix product, which is what the others are held against.
// Prints a JSON line. peer.py does the same work with transformers, peft, CTranslate2 and sentencepiece.
#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>

#include "worker/trainer/adapter/adapter.h"
#include "worker/trainer/generate/generate.h"
#include "worker/trainer/train/device.h"
#include "worker/trainer/train/step.h"

namespace {

using namespace lorikeet;           // NOLINT(google-build-using-namespace): the program's own
using namespace lorikeet::trainer;  // NOLINT(google-build-using-namespace)
using Clock = std::chrono::steady_clock;

struct Options {
  std::string work, input, model, shape = "tiny", method = "lora", precision = "fp32", device = "cpu";
  std::int64_t threads = 2, batch = 8, source = 512, target = 0, beams = 1, repeat = 5;
  bool gradient_checkpointing = false;
};

// The shapes of the comparison; small and base are those of google/flan-t5-small and -base.
T5Config ShapeOf(const std::string& name) {
  T5Config config;
  config.gated = true;
  config.activation = "gelu_new";
  if (name == "small" || name == "base") {
    const bool small = name == "small";
    config.d_model = small ? 512 : 768;
    config.d_kv = 64;
    config.d_ff = small ? 1024 : 2048;
    config.num_heads = small ? 6 : 12;
    config.num_layers = config.num_decoder_layers = small ? 8 : 12;
    config.tie_word_embeddings = config.scale_decoder_outputs = false;
  } else {
    config.vocab_size = 4096;
    config.d_model = 128;
    config.d_kv = 32;
    config.d_ff = 256;
    config.num_heads = 4;
    config.num_layers = config.num_decoder_layers = 4;
  }
  return config;
}

std::vector<text::TokenId> RandomTokens(std::mt19937& random, std::int64_t count, std::int64_t vocabulary) {
  std::uniform_int_distribution<int> piece(3, static_cast<int>(vocabulary) - 101);
  std::vector<text::TokenId> tokens(static_cast<std::size_t>(count));
  for (text::TokenId& token : tokens) token = piece(random);
  tokens.back() = 1;
  return tokens;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Runs once to warm up, then `repeat` times; median seconds.
template <typename Run>
double Measure(std::int64_t repeat, const Run& run) {
  run();
  std::vector<double> seconds;
  for (std::int64_t i = 0; i < repeat; ++i) {
    const Clock::time_point start = Clock::now();
    run();
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  return Median(std::move(seconds));
}

StatusOr<nlohmann::ordered_json> Train(const Options& options, const T5& model) {
  Trial trial;
  trial.method = options.method == "full"     ? Method::kFull
                 : options.method == "prompt" ? Method::kPrompt
                                              : Method::kLora;
  std::unique_ptr<Adapter> adapter;
  TensorMap parameters = model.parameters();
  if (options.method != "full") {
    ASSIGN_OR_RETURN(adapter, CreateAdapter(trial, model));
    parameters = adapter->parameters();
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Optimizer> optimizer, CreateOptimizer({}, parameters));
  DropoutStream dropout(1, 0.1);
  Stepper stepper{
      .model = &model, .adapter = adapter.get(), .dropout = &dropout, .optimizer = optimizer.get()};
  for (const auto& [name, parameter] : parameters) stepper.parameters.push_back(parameter);
  stepper.gradient_clip = 1;
  stepper.micro_batch_size = options.batch;
  stepper.gradient_checkpointing = options.gradient_checkpointing;

  std::mt19937 random(1);
  std::vector<Example> examples(static_cast<std::size_t>(options.batch));
  for (Example& example : examples) {
    example.source = RandomTokens(random, options.source, model.config().vocab_size);
    example.target = RandomTokens(random, options.target, model.config().vocab_size);
  }
  const std::vector<const Example*> batch = Pointers(examples);
  std::int64_t step = 0;
  Status failed;
  const double seconds =
      Measure(options.repeat, [&] { failed.Update(stepper.Run(batch, step++, 1e-4).status()); });
  RETURN_IF_ERROR(failed);
  const auto tokens = static_cast<double>(options.batch * (options.source + options.target));
  return nlohmann::ordered_json{{"seconds", seconds}, {"tokens_per_second", tokens / seconds}};
}

StatusOr<nlohmann::ordered_json> Generation(const Options& options, const T5& model) {
  std::mt19937 random(1);
  std::vector<std::vector<text::TokenId>> sources;
  for (std::int64_t i = 0; i < options.batch; ++i) {
    sources.push_back(RandomTokens(random, options.source, model.config().vocab_size));
  }
  EvaluateSettings settings;
  settings.beams = options.beams;
  settings.max_new_tokens = settings.min_new_tokens = options.target;
  std::int64_t tokens = 0;
  const double seconds = Measure(options.repeat, [&] {
    tokens = 0;
    const at::NoGradGuard no_grad;
    for (const Generated& summary : Generate(model, {}, sources, settings)) {
      tokens += static_cast<std::int64_t>(summary.tokens.size());
    }
  });
  return nlohmann::ordered_json{
      {"seconds", seconds}, {"tokens", tokens}, {"tokens_per_second", static_cast<double>(tokens) / seconds}};
}

// Articles to their first `source` tokens; reading the file is not measured.
StatusOr<nlohmann::ordered_json> Tokenization(const Options& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<text::Tokenizer> tokenizer, text::Tokenizer::Load(options.model));
  Split split;
  ASSIGN_OR_RETURN(text::Documents documents, text::ReadDocuments(options.input, {}));
  split.documents = std::move(documents.documents);
  for (text::Document& document : split.documents) document.target = "x";
  DataSettings settings;
  settings.max_source_tokens = options.source;
  const double seconds = Measure(options.repeat, [&] {
    split.examples.clear();
    Tokenize(settings, *tokenizer, split);
  });
  std::int64_t tokens = 0;
  for (const Example& example : split.examples) tokens += static_cast<std::int64_t>(example.source.size());
  return nlohmann::ordered_json{
      {"seconds", seconds}, {"documents", split.documents.size()}, {"tokens", tokens}};
}

// A square product of LibTorch's: the speed that a step of nothing else would have.
nlohmann::ordered_json MatrixProduct(const Options& options, at::Device device, at::ScalarType type) {
  constexpr std::int64_t kSide = 2048;
  const at::Tensor a = at::rand({kSide, kSide}).to(device, type),
                   b = at::rand({kSide, kSide}).to(device, type);
  const double seconds = Measure(options.repeat, [&] { a.mm(b).flatten()[0].item<double>(); });
  return {{"seconds", seconds}, {"flops_per_second", 2.0 * kSide * kSide * kSide / seconds}};
}

StatusOr<nlohmann::ordered_json> Run(const Options& options) {
  SetUpCompute(options.threads);
  if (options.work == "tokenize") return Tokenization(options);
  ASSIGN_OR_RETURN(const at::Device device, ParseDevice(options.device));
  const at::ScalarType compute = options.precision == "bf16" ? at::kBFloat16 : at::kFloat;
  if (compute == at::kBFloat16 && !HasFastBf16(device)) {
    return FailedPrecondition("{}: no instructions for bf16, a trial would use fp32", DeviceModel(device));
  }
  if (options.work == "gemm") return MatrixProduct(options, device, compute);
  LoadOptions load;
  load.device = device;
  load.compute = compute;
  load.trainable = options.work == "train" && options.method == "full";
  const std::unique_ptr<T5> model = T5::Initialize(ShapeOf(options.shape), 1, load);
  auto result = options.work == "train" ? Train(options, *model) : Generation(options, *model);
  if (result.ok()) (*result)["peak_memory_bytes"] = PeakMemoryBytes(device);
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures the trainer");
  Options options;
  app.add_option("work", options.work)
      ->required()
      ->check(CLI::IsMember({"train", "generate", "tokenize", "gemm"}));
  app.add_option("--shape", options.shape)->check(CLI::IsMember({"tiny", "small", "base"}));
  app.add_option("--method", options.method)->check(CLI::IsMember({"lora", "prompt", "full"}));
  app.add_option("--precision", options.precision)->check(CLI::IsMember({"fp32", "bf16"}));
  app.add_option("--input", options.input, "tokenize: JSONL with articles");
  app.add_option("--model", options.model, "tokenize: a folder with spiece.model");
  app.add_option("--device", options.device);
  app.add_option("--threads", options.threads);
  app.add_option("--batch", options.batch);
  app.add_option("--source", options.source);
  app.add_option("--target", options.target, "Tokens; 128 for train, 64 for generate");
  app.add_option("--beams", options.beams);
  app.add_option("--repeat", options.repeat);
  app.add_flag("--gradient-checkpointing", options.gradient_checkpointing, "train: as the trial's option");
  CLI11_PARSE(app, argc, argv);
  if (options.target == 0) options.target = options.work == "train" ? 128 : 64;
  const auto result = Run(options);
  if (!result.ok()) {
    std::fprintf(stderr, "trainer_bench: %s\n", Message(result.status()).c_str());
    return 1;
  }
  std::printf("%s\n", result->dump().c_str());
  return 0;
}
