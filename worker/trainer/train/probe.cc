#include "worker/trainer/train/probe.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "worker/trainer/train/batches.h"
#include "worker/trainer/train/data_cache.h"
#include "worker/trainer/train/device.h"
#include "worker/trainer/train/evaluate.h"
#include "worker/trainer/train/loaded_model.h"
#include "worker/trainer/train/loop.h"
#include "worker/trainer/train/schedule.h"
#include "worker/trainer/train/step.h"

namespace lorikeet::trainer {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::int64_t kTypicalSteps = 2;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// `count` of the examples: the longest, and others at even distances down to the shortest.
std::vector<Example> EvenlySpread(const std::vector<Example>& examples, std::int64_t count) {
  const std::vector<std::size_t> order = OrderByLength(Pointers(examples));
  const std::size_t wanted =
      std::min(order.size(), static_cast<std::size_t>(std::max<std::int64_t>(count, 1)));
  std::vector<Example> spread;
  for (std::size_t i = 0; i < wanted; ++i) {
    spread.push_back(examples[order[wanted == 1 ? 0 : i * (order.size() - 1) / (wanted - 1)]]);
  }
  return spread;
}

class Prober {
 public:
  Prober(const Trial& trial, const ProbeOptions& options, Probe& probe)
      : trial_(trial), options_(options), probe_(probe) {}

  Status Run() {
    Status status = Try();
    probe_.peak_memory_bytes = PeakMemoryBytes(options_.device);
    return status;
  }

 private:
  Status Try() {
    const Clock::time_point start = Clock::now();
    RETURN_IF_ERROR(Load());
    probe_.load_seconds = SecondsSince(start);
    if (Trains(trial_.method)) RETURN_IF_ERROR(Train());
    RETURN_IF_ERROR(Validate());
    return GenerateSome();
  }

  Status Load() {
    Tell("loading");
    ASSIGN_OR_RETURN(std::unique_ptr<text::Tokenizer> tokenizer, text::Tokenizer::Open(trial_.model));
    ASSIGN_OR_RETURN(data_, LoadTrialData(trial_.data, *tokenizer, options_.cache));
    probe_.train_documents = static_cast<std::int64_t>(data_.train.size());
    probe_.validation_documents = static_cast<std::int64_t>(data_.validation.size());
    probe_.test_documents = static_cast<std::int64_t>(data_.test.size());
    MeasureMemory();
    const bool bf16 = trial_.train.precision == "bf16" && options_.fast_bf16;
    probe_.precision = bf16 ? "bf16" : "fp32";
    if (trial_.train.precision == "bf16" && !bf16) {
      probe_.warnings.push_back(fmt::format("{}: no instructions for bf16: fp32 is used in its place",
                                            DeviceModel(options_.device)));
    }
    ASSIGN_OR_RETURN(loaded_, LoadTrialModel(trial_, std::move(tokenizer), options_.device,
                                             bf16 ? at::kBFloat16 : at::kFloat));
    MeasureMemory();
    return absl::OkStatus();
  }

  Status Train() {
    const TensorMap parameters =
        loaded_.adapter ? loaded_.adapter->parameters() : loaded_.model->parameters();
    const TrainSettings& settings = trial_.train;
    probe_.trainable_parameters =
        loaded_.adapter ? loaded_.adapter->parameter_count() : loaded_.model->parameter_count();
    probe_.total_steps = TotalSteps(settings, probe_.train_documents);
    ASSIGN_OR_RETURN(const std::unique_ptr<Optimizer> optimizer,
                     CreateOptimizer(settings.optimizer, parameters));
    DropoutStream dropout(static_cast<std::uint64_t>(trial_.seed),
                          settings.dropout.value_or(loaded_.model->config().dropout_rate));
    Stepper stepper;
    stepper.model = loaded_.model.get();
    stepper.adapter = loaded_.adapter.get();
    stepper.dropout = &dropout;
    stepper.optimizer = optimizer.get();
    for (const auto& [name, parameter] : parameters) stepper.parameters.push_back(parameter);
    stepper.gradient_clip = settings.gradient_clip;
    stepper.gradient_checkpointing = settings.gradient_checkpointing;
    stepper.micro_batch_size =
        std::min(settings.micro_batch_size.value_or(settings.batch_size), settings.batch_size);
    stepper.memory_observer = Halved("training");
    const Schedule schedule{settings.schedule, settings.warmup_steps, probe_.total_steps};
    std::int64_t step = 0;
    const auto take = [&](const std::vector<const Example*>& batch) -> StatusOr<ProbedStep> {
      const Clock::time_point start = Clock::now();
      const double rate =
          optimizer->EffectiveRate(settings.learning_rate.value_or(0) * LearningRateFactor(schedule, step));
      ASSIGN_OR_RETURN(const StepOutcome outcome, stepper.Run(batch, step++, rate));
      probe_.micro_batch_size = stepper.micro_batch_size;
      return ProbedStep{SecondsSince(start), outcome.loss, outcome.tokens};
    };
    // The trial's own first batches: the loss is that of its first step.
    const std::vector<const Example*> examples = Pointers(data_.train.examples);
    BatchPlan plan(probe_.train_documents, settings.batch_size, static_cast<std::uint64_t>(trial_.seed));
    ProbedStep mean;
    Tell("training steps");
    // One more, untimed: the first use of memory and kernels costs what no later step does.
    for (std::int64_t i = 0; i <= kTypicalSteps; ++i) {
      std::vector<const Example*> batch;
      for (const std::int64_t d : plan.DocumentsOf(i)) batch.push_back(examples[static_cast<std::size_t>(d)]);
      ASSIGN_OR_RETURN(const ProbedStep taken, take(batch));
      if (i == 0) {
        mean.loss = taken.loss;
        continue;
      }
      mean.seconds += taken.seconds / kTypicalSteps;
      mean.tokens += taken.tokens / kTypicalSteps;
    }
    probe_.typical_step = mean;
    Tell("a step of the longest documents");
    std::vector<const Example*> longest;
    for (const std::size_t i : OrderByLength(examples)) {
      if (static_cast<std::int64_t>(longest.size()) == settings.batch_size) break;
      longest.push_back(examples[i]);
    }
    ASSIGN_OR_RETURN(probe_.longest_step, take(longest));
    for (const at::Tensor& parameter : stepper.parameters) parameter.mutable_grad().reset();
    return absl::OkStatus();
  }

  Status Validate() {
    Tell("validating");
    const at::NoGradGuard no_grad;
    std::int64_t batch = std::max<std::int64_t>(trial_.evaluate.batch_size, 1);
    const std::vector<Example> some = EvenlySpread(data_.validation.examples, batch);
    const Clock::time_point start = Clock::now();
    ASSIGN_OR_RETURN(const auto loss, MeanLoss(*loaded_.model, loaded_.adapter.get(), Pointers(some), batch,
                                               {}, Halved("validating")));
    if (!loss) return Internal("validation was stopped");
    RETURN_IF_ERROR(CheckFinite(*loss, "the validation loss"));
    probe_.loss_seconds = SecondsSince(start) / static_cast<double>(some.size());
    return absl::OkStatus();
  }

  Status GenerateSome() {
    Tell("generating");
    const std::vector<Example> some = EvenlySpread(data_.test.examples, trial_.evaluate.batch_size);
    GenerateHooks hooks;
    hooks.memory_observer = Halved("generating");
    ASSIGN_OR_RETURN(const auto summaries, Summarize(*loaded_.model, loaded_.adapter.get(),
                                                     *loaded_.tokenizer, some, trial_.evaluate, hooks));
    if (!summaries) return Internal("generation was stopped");
    const std::vector<double>& seconds = summaries->batch_seconds;
    probe_.generated_documents = static_cast<std::int64_t>(some.size());
    probe_.generated_tokens = summaries->tokens;
    probe_.generate_seconds =
        std::accumulate(seconds.begin(), seconds.end(), 0.0) / static_cast<double>(some.size());
    return absl::OkStatus();
  }

  MemoryObserver Halved(const std::string& phase) {
    return [this, phase](std::int64_t size, const std::string& why) {
      probe_.warnings.push_back(
          fmt::format("{}: memory ran out, {} documents at a time instead: {}", phase, size, why));
    };
  }

  void MeasureMemory() const {
    if (options_.measure_memory) options_.measure_memory();
  }
  void Tell(const std::string& phase) const {
    if (options_.phase) options_.phase(phase);
  }

  const Trial& trial_;
  const ProbeOptions& options_;
  Probe& probe_;
  TrialData data_;
  LoadedModel loaded_;
};

}  // namespace

Status ProbeTrial(const Trial& trial, const ProbeOptions& options, Probe& probe) {
  return CatchExceptions([&] { return Prober(trial, options, probe).Run(); });
}

}  // namespace lorikeet::trainer
