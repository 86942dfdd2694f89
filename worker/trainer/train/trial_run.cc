#include "worker/trainer/train/trial_run.h"

#include <c10/core/GradMode.h>

#include <chrono>
#include <filesystem>

#include "common/build_info.h"
#include "common/failure_kinds.h"
#include "common/files.h"
#include "worker/files/fingerprint.h"
#include "worker/trainer/train/data_cache.h"
#include "worker/trainer/train/device.h"
#include "worker/trainer/train/evaluate.h"
#include "worker/trainer/train/loaded_model.h"
#include "worker/trainer/train/memory.h"

namespace lorikeet::trainer {
namespace {

using Clock = std::chrono::steady_clock;

std::int64_t BytesIn(const std::string& directory) {
  std::int64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.is_regular_file(error)) bytes += static_cast<std::int64_t>(entry.file_size(error));
  }
  return bytes;
}

class TrialRun {
 public:
  TrialRun(const TrialRunOptions& options, const TrialHooks& hooks)
      : options_(options), trial_(options.trial), hooks_(hooks) {}

  StatusOr<TrialEnd> Run() {
    Send(protocol::Progress{.phase = "loading", .step = 0, .total = 0, .loss = std::nullopt});
    RETURN_IF_ERROR(Load());
    if (Trains(trial_.method)) {
      ASSIGN_OR_RETURN(const TrainingOutcome outcome, Train());
      checkpointed_ = outcome.checkpointed;
      if (outcome.stopped) return Stopped(outcome.state.step);
      if (const Status newest = checkpoint_->CheckNotSuperseded(); !newest.ok()) {
        Send(protocol::Log{"warning", "it stops: " + Message(newest)});
        return Stopped(outcome.state.step);
      }
      RETURN_IF_ERROR(Keep(outcome));
    } else {
      SendStarted(0, 0, 0);
    }
    if (options_.documents) SendDocuments();
    for (const char* name : {"validation", "test"}) {
      ASSIGN_OR_RETURN(const bool done, Evaluate(name));
      if (!done) return Stopped(result_.last_step);
    }
    SendResult();
    checkpoint_->Finish();
    return TrialEnd::kDone;
  }

 private:
  Status Load() {
    if (!std::filesystem::is_directory(trial_.model)) {
      return NotFound("{}: no such model directory", trial_.model);
    }
    result_.precision = trial_.train.precision;
    if (trial_.method == Method::kLead) {
      ASSIGN_OR_RETURN(data_, ReadTrialData(trial_.data));
      return Identify();
    }
    ASSIGN_OR_RETURN(std::unique_ptr<text::Tokenizer> tokenizer, text::Tokenizer::Open(trial_.model));
    ASSIGN_OR_RETURN(data_, LoadTrialData(trial_.data, *tokenizer, options_.cache));
    RETURN_IF_ERROR(Identify());
    MeasureMemory();
    const at::ScalarType compute = ChoosePrecision();
    ASSIGN_OR_RETURN(loaded_, LoadTrialModel(trial_, std::move(tokenizer), options_.device, compute));
    MeasureMemory();
    return absl::OkStatus();
  }

  at::ScalarType ChoosePrecision() {
    if (trial_.train.precision == "bf16" && !options_.fast_bf16) {
      result_.precision = "fp32";
      Send(protocol::Log{"warning",
                         fmt::format("{}: no instructions for bf16 (avx512_bf16 or amx_bf16): fp32 is "
                                     "used in its place",
                                     DeviceModel(options_.device))});
    }
    return result_.precision == "bf16" ? at::kBFloat16 : at::kFloat;
  }

  // Says what the data warn of, and finds the checkpoint of this trial, data and model.
  Status Identify() {
    for (const std::string& warning : data_.warnings) Send(protocol::Log{"warning", warning});
    ASSIGN_OR_RETURN(result_.model_fingerprint, files::FingerprintModel(trial_.model, options_.cache));
    files::Fingerprint fingerprint;
    fingerprint.Add(ToJson(trial_));
    fingerprint.Add(data_.fingerprint);
    fingerprint.Add(result_.model_fingerprint);
    if (const std::string& adapter = StartAdapter(trial_); !adapter.empty()) {
      for (const char* name : {"/adapter_config.json", "/adapter_model.safetensors"}) {
        ASSIGN_OR_RETURN(const std::string content, ReadFile(adapter + name));
        fingerprint.Add(content);
      }
    }
    checkpoint_.emplace(
        options_.checkpoints.empty() ? options_.directory + "/checkpoint" : options_.checkpoints,
        fingerprint.Hex(), options_.token);
    return absl::OkStatus();
  }

  void MeasureMemory() const {
    if (options_.measure_memory) options_.measure_memory();
  }

  StatusOr<TrainingOutcome> Train() {
    TrainingInputs inputs;
    inputs.trial = &trial_;
    inputs.data = &data_;
    inputs.tokenizer = loaded_.tokenizer.get();
    inputs.model = loaded_.model.get();
    inputs.adapter = loaded_.adapter.get();
    inputs.parameters = loaded_.adapter ? loaded_.adapter->parameters() : loaded_.model->parameters();
    DropoutStream dropout(static_cast<std::uint64_t>(trial_.seed),
                          trial_.train.dropout.value_or(loaded_.model->config().dropout_rate));
    inputs.dropout = &dropout;
    inputs.checkpoint = &*checkpoint_;
    inputs.checkpoint_seconds = options_.checkpoint_seconds;
    inputs.started = [this](std::int64_t from, std::int64_t total, std::int64_t micro_batch) {
      SendStarted(from, total, micro_batch);
    };
    inputs.validate_first = !StartAdapter(trial_).empty();
    inputs.hooks = &hooks_;
    return TrainTrial(inputs);
  }

  Status Keep(const TrainingOutcome& outcome) {
    const std::string directory = options_.directory + "/kept";
    if (loaded_.adapter) {
      RETURN_IF_ERROR(loaded_.adapter->Save(directory, trial_.model));
      result_.trainable_parameters = loaded_.adapter->parameter_count();
    } else {
      RETURN_IF_ERROR(loaded_.model->Save(directory, trial_.model));
      result_.trainable_parameters = loaded_.model->parameter_count();
    }
    const std::int64_t all =
        loaded_.model->parameter_count() + (loaded_.adapter ? loaded_.adapter->parameter_count() : 0);
    result_.trainable_share = static_cast<double>(result_.trainable_parameters) / static_cast<double>(all);
    result_.adapter_bytes = BytesIn(directory);
    result_.kept_step = outcome.kept_step;
    result_.last_step = outcome.state.step;
    result_.micro_batch_size = outcome.state.micro_batch_size;
    result_.train_seconds = outcome.state.train_seconds;
    if (outcome.state.train_seconds > 0) {
      result_.tokens_per_second = static_cast<double>(outcome.state.tokens) / outcome.state.train_seconds;
    }
    return absl::OkStatus();
  }

  void SendDocuments() {
    for (const char* name : {"validation", "test"}) {
      std::int64_t position = 0;
      for (const text::Document& document : SplitOf(name).documents) {
        Send(protocol::Document{name, document.id, document.source, document.target, position++});
      }
    }
  }

  const Split& SplitOf(const std::string& name) const {
    return name == "test" ? data_.test : data_.validation;
  }

  // Loss and summaries of a split with the kept weights; false where it was stopped.
  StatusOr<bool> Evaluate(const std::string& name) {
    const at::NoGradGuard no_grad;
    const Split& split = SplitOf(name);
    Summaries summaries;
    if (trial_.method == Method::kLead) {
      summaries = Lead(split.documents, trial_.lead.sentences);
    } else {
      std::int64_t batch = std::max<std::int64_t>(trial_.evaluate.batch_size, 1);
      auto loss = MeanLoss(*loaded_.model, loaded_.adapter.get(), Pointers(split.examples), batch,
                           hooks_.stop, TellMemory(hooks_, "validating", result_.last_step, batch));
      RETURN_IF_ERROR(loss.status());
      if (!loss->has_value()) return false;
      (name == "test" ? result_.test_loss : result_.validation_loss) = **loss;
      auto generated = Generated(name, split);
      RETURN_IF_ERROR(generated.status());
      if (!generated->has_value()) return false;
      summaries = **std::move(generated);
    }
    ScoredSplit scored = Score(name, split, summaries, trial_.evaluate.sentence_split);
    for (protocol::Prediction& prediction : scored.predictions) Send(std::move(prediction));
    result_.predictions += scored.score.documents;
    (name == "test" ? result_.test : result_.validation) = scored.score;
    if (name == "test") {
      const GenerationCost cost = CostOf(summaries);
      result_.latency_p50_seconds = cost.latency_p50_seconds;
      result_.latency_p95_seconds = cost.latency_p95_seconds;
      result_.generated_tokens_per_second = cost.tokens_per_second;
    }
    return true;
  }

  StatusOr<std::optional<Summaries>> Generated(const std::string& name, const Split& split) {
    const auto total = static_cast<std::int64_t>(split.examples.size());
    const Clock::time_point start = Clock::now();
    Clock::time_point last{};
    GenerateHooks generate_hooks;
    generate_hooks.stop = hooks_.stop;
    generate_hooks.memory_observer =
        TellMemory(hooks_, "generating", result_.last_step, trial_.evaluate.batch_size);
    generate_hooks.documents_done = [&](std::int64_t done) {
      const Clock::time_point now = Clock::now();
      if (now - last < std::chrono::seconds(1) && done < total) return;
      last = now;
      const double seconds = std::chrono::duration<double>(now - start).count();
      Send(protocol::Progress{
          .phase = "generating",
          .step = done,
          .total = total,
          .loss = std::nullopt,
          .tokens_per_second = 0,
          .eta_seconds = seconds / static_cast<double>(done) * static_cast<double>(total - done)});
    };
    Send(protocol::Progress{.phase = "generating", .step = 0, .total = total, .loss = std::nullopt});
    auto summaries = Summarize(*loaded_.model, loaded_.adapter.get(), *loaded_.tokenizer, split.examples,
                               trial_.evaluate, generate_hooks);
    if (!summaries.ok()) return Annotate(summaries.status(), "generating for " + name);
    return summaries;
  }

  void SendStarted(std::int64_t from_step, std::int64_t total_steps, std::int64_t micro_batch_size) {
    Send(protocol::Started{options_.device.str(), DeviceModel(options_.device), ComputeThreads(),
                           micro_batch_size, from_step, total_steps, Build(), data_.fingerprint,
                           result_.model_fingerprint});
  }

  void SendResult() {
    result_.train_documents = static_cast<std::int64_t>(data_.train.size());
    result_.empty_documents = data_.empty_documents;
    result_.device = options_.device.str();
    result_.device_model = DeviceModel(options_.device);
    result_.threads = ComputeThreads();
    result_.peak_memory_bytes = PeakMemoryBytes(options_.device);
    result_.data_fingerprint = data_.fingerprint;
    Send(result_);
  }

  TrialEnd Stopped(std::int64_t step) {
    Send(protocol::Stopped{step, checkpointed_});
    return TrialEnd::kStopped;
  }

  void Send(const protocol::Event& event) { hooks_.send(event); }

  const TrialRunOptions& options_;
  const Trial& trial_;
  const TrialHooks& hooks_;
  TrialData data_;
  LoadedModel loaded_;
  std::optional<CheckpointFolder> checkpoint_;
  bool checkpointed_ = false;  // the state is on disk
  protocol::Result result_;
};

}  // namespace

StatusOr<TrialEnd> RunTrial(const TrialRunOptions& options, const TrialHooks& hooks) {
  TrialEnd end = TrialEnd::kDone;
  RETURN_IF_ERROR(CatchExceptions([&]() -> Status {
    ASSIGN_OR_RETURN(end, TrialRun(options, hooks).Run());
    return absl::OkStatus();
  }));
  return end;
}

std::string FailureKind(const Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
      return failure::kBadInput;
    case absl::StatusCode::kOutOfRange:
      return failure::kDiverged;
    case absl::StatusCode::kResourceExhausted:
      return failure::kOom;
    default:
      return failure::kCrashed;
  }
}

}  // namespace lorikeet::trainer
