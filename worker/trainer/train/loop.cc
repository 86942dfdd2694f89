#include "worker/trainer/train/loop.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "worker/trainer/train/evaluate.h"
#include "worker/trainer/train/schedule.h"

namespace lorikeet::trainer {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Every step of the first 2,000, then ever fewer: a curve needs no more, and a database holds many.
bool IsPointOfCurve(std::int64_t step) {
  std::int64_t stride = 1;
  while (step > 2000 * stride) stride *= 2;
  return step % stride == 0;
}

class Training {
 public:
  Training(const TrainingInputs& inputs, Optimizer& optimizer)
      : in_(inputs),
        settings_(inputs.trial->train),
        optimizer_(optimizer),
        examples_(Pointers(inputs.data->train.examples)),
        validation_(Pointers(inputs.data->validation.examples)),
        plan_(static_cast<std::int64_t>(examples_.size()), settings_.batch_size,
              static_cast<std::uint64_t>(inputs.trial->seed)),
        total_steps_(TotalSteps(settings_, static_cast<std::int64_t>(examples_.size()))),
        schedule_{settings_.schedule, settings_.warmup_steps, total_steps_} {
    stepper_.model = in_.model;
    stepper_.adapter = in_.adapter;
    stepper_.dropout = in_.dropout;
    stepper_.optimizer = &optimizer_;
    for (const auto& [name, parameter] : in_.parameters) stepper_.parameters.push_back(parameter);
    stepper_.gradient_clip = settings_.gradient_clip;
    stepper_.gradient_checkpointing = settings_.gradient_checkpointing;
    stepper_.stop = in_.hooks->stop;
    stepper_.before_update = [this] { return SaveIfTime(); };
    state_.micro_batch_size =
        std::min(settings_.micro_batch_size.value_or(settings_.batch_size), settings_.batch_size);
    validation_batch_ = std::max<std::int64_t>(in_.trial->evaluate.batch_size, 1);
  }

  StatusOr<TrainingOutcome> Run() {
    RETURN_IF_ERROR(Resume());
    stepper_.micro_batch_size = state_.micro_batch_size;
    in_.started(state_.step, total_steps_, state_.micro_batch_size);
    last_tried_ = last_progress_ = Clock::now();
    Status status = in_.checkpoint->standing_is_borrowed() ? Save() : absl::OkStatus();
    if (status.ok()) status = Train();
    if (absl::IsCancelled(status)) {
      // What the last update made of them shows in the next loss only, which is not computed any more.
      status = AllFinite(in_.parameters) ? Save() : absl::OkStatus();
      if (status.ok()) return Stopped();
    }
    if (absl::IsAborted(status)) {
      Send(protocol::Log{"warning", "it stops: " + Message(status)});
      return Stopped();
    }
    if (IsDivergence(status)) return Annotated(status);
    RETURN_IF_ERROR(status);
    TrainingOutcome outcome{.state = state_, .kept_step = state_.step, .checkpointed = Checkpointed()};
    if (state_.best_saved) {
      outcome.kept_step = state_.best_step;
      RETURN_IF_ERROR(in_.checkpoint->LoadBest(state_.best_step, in_.parameters));
    }
    return outcome;
  }

 private:
  Status Resume() {
    const std::int64_t first_micro_batch = state_.micro_batch_size;
    std::vector<std::string> passed_over;
    auto loaded = in_.checkpoint->Load(in_.parameters, optimizer_, passed_over);
    for (const std::string& why : passed_over) {
      Send(protocol::Log{"warning", fmt::format("the checkpoint is not used: {}", why)});
    }
    if (!loaded.ok()) return absl::OkStatus();
    state_ = *loaded;
    state_.micro_batch_size = std::min(state_.micro_batch_size, first_micro_batch);
    saved_step_ = state_.step;
    return absl::OkStatus();
  }

  // Cancelled where it was asked to stop, Aborted where a later attempt has taken over.
  Status Train() {
    if (in_.validate_first && state_.step == 0) {
      ASSIGN_OR_RETURN(const double loss, ValidationLoss());
      Send(protocol::Metric{0, "validation_loss", loss});
    }
    for (;;) {
      if (ValidationDue()) {
        RETURN_IF_ERROR(Validate());
        RETURN_IF_ERROR(Save());
      }
      if (state_.step >= total_steps_ || OutOfPatience()) return absl::OkStatus();
      if (in_.hooks->stop()) return absl::CancelledError("stopped");
      RETURN_IF_ERROR(Step());
    }
  }

  Status Step() {
    std::vector<const Example*> batch;
    for (const std::int64_t i : plan_.DocumentsOf(state_.step))
      batch.push_back(examples_[static_cast<std::size_t>(i)]);
    const double rate = optimizer_.EffectiveRate(settings_.learning_rate.value_or(0) *
                                                 LearningRateFactor(schedule_, state_.step));
    stepper_.memory_observer = TellMemory(*in_.hooks, "training", state_.step, settings_.batch_size);
    saving_ = {};
    const Clock::time_point start = Clock::now();
    auto outcome = stepper_.Run(batch, state_.step, rate);
    RETURN_IF_ERROR(outcome.status());
    const double seconds = SecondsSince(start) - std::chrono::duration<double>(saving_).count();
    ++state_.step;
    state_.train_seconds += seconds;
    state_.tokens += outcome->tokens;
    state_.micro_batch_size = stepper_.micro_batch_size;
    if (IsPointOfCurve(state_.step)) {
      Send(protocol::Metric{state_.step, "train_loss", outcome->loss});
      Send(protocol::Metric{state_.step, "learning_rate", rate});
      Send(protocol::Metric{state_.step, "gradient_norm", outcome->gradient_norm});
    }
    SendProgress(outcome->loss);
    return absl::OkStatus();
  }

  void SendProgress(double loss) {
    if (SecondsSince(last_progress_) < 1 && state_.step < total_steps_) return;
    last_progress_ = Clock::now();
    const double left = static_cast<double>(total_steps_ - state_.step);
    Send(protocol::Progress{.phase = "training",
                            .step = state_.step,
                            .total = total_steps_,
                            .loss = loss,
                            .tokens_per_second = static_cast<double>(state_.tokens) / state_.train_seconds,
                            .eta_seconds = left * state_.train_seconds / static_cast<double>(state_.step)});
  }

  bool ValidationDue() const {
    if (state_.step == 0 || state_.validated_step == state_.step) return false;
    const std::int64_t every = settings_.validate_every_steps.value_or(plan_.steps_per_epoch());
    return state_.step == total_steps_ || state_.step % every == 0;
  }

  // Cancelled where it was stopped.
  Status Validate() {
    Send(protocol::Progress{
        .phase = "validating", .step = state_.step, .total = total_steps_, .loss = std::nullopt});
    ASSIGN_OR_RETURN(const double value, ValidationLoss());
    RETURN_IF_ERROR(CheckFinite(value, fmt::format("the validation loss after step {}", state_.step)));
    double gain = -value;  // what is to grow
    std::optional<double> rouge1;
    if (settings_.keep_by == "validation_rouge1") {
      auto summaries = Summarize(
          *in_.model, in_.adapter, *in_.tokenizer, in_.data->validation.examples, in_.trial->evaluate,
          {.stop = in_.hooks->stop,
           .documents_done = {},
           .memory_observer =
               TellMemory(*in_.hooks, "generating", state_.step, in_.trial->evaluate.batch_size)});
      RETURN_IF_ERROR(summaries.status());
      if (!summaries->has_value()) return absl::CancelledError("stopped");
      rouge1 = Score("validation", in_.data->validation, **summaries, in_.trial->evaluate.sentence_split)
                   .score.rouge.rouge1;
      gain = *rouge1;
    }
    Send(protocol::Metric{state_.step, "validation_loss", value});
    if (rouge1) Send(protocol::Metric{state_.step, "validation_rouge1", *rouge1});
    Judge(gain, rouge1.value_or(value));
    return absl::OkStatus();
  }

  StatusOr<double> ValidationLoss() {
    auto loss = MeanLoss(*in_.model, in_.adapter, validation_, validation_batch_, in_.hooks->stop,
                         TellMemory(*in_.hooks, "validating", state_.step, in_.trial->evaluate.batch_size));
    RETURN_IF_ERROR(loss.status());
    if (!loss->has_value()) return absl::CancelledError("stopped");
    return **loss;
  }

  void Judge(double gain, double value) {
    const bool by_rouge = settings_.keep_by == "validation_rouge1";
    const bool better = !state_.best_value || gain > (by_rouge ? *state_.best_value : -*state_.best_value);
    if (better && settings_.keep == "best") {
      if (const Status saved = in_.checkpoint->SaveBest(state_.step, in_.parameters); !saved.ok()) {
        Send(protocol::Log{
            "warning",
            fmt::format(
                "the best weights, of step {}, cannot be written and are kept in memory until they can; "
                "killed before, the trial goes on from {}: {}",
                state_.step, Standing(), Message(saved))});
      }
      state_.best_saved = true;
    }
    if (better) {
      state_.best_value = value;
      state_.best_step = state_.step;
    }
    state_.validations_without_gain = better ? 0 : state_.validations_without_gain + 1;
    state_.validated_step = state_.step;
  }

  bool OutOfPatience() const {
    return settings_.patience && state_.validations_without_gain >= *settings_.patience;
  }

  // Called with parameters whose loss and gradients are finite, before they are updated: what is on disk is
  // then worth going back to, whatever the update does.
  Status SaveIfTime() {
    const bool is_new = state_.step > 0 && !Checkpointed();
    if (!is_new || SecondsSince(last_tried_) < in_.checkpoint_seconds) return absl::OkStatus();
    const Clock::time_point start = Clock::now();
    state_.micro_batch_size = stepper_.micro_batch_size;
    Status status = Save();
    saving_ = Clock::now() - start;
    return status;
  }

  // A checkpoint that cannot be written is no reason to lose the trial. Aborted where a later attempt has
  // taken over.
  Status Save() {
    Status saved = in_.checkpoint->Save(state_, in_.parameters, optimizer_.State());
    last_tried_ = Clock::now();
    if (absl::IsAborted(saved)) return saved;
    if (saved.ok()) {
      saved_step_ = state_.step;
      Send(protocol::CheckpointSaved{state_.step});
    } else if (saving_works_) {  // once, not at every try
      Send(protocol::Log{"warning", fmt::format("the checkpoint of step {} cannot be written, {} stands; "
                                                "tried again at the next occasion: {}",
                                                state_.step, Standing(), Message(saved))});
    }
    saving_works_ = saved.ok();
    return absl::OkStatus();
  }

  bool Checkpointed() const { return saved_step_ == state_.step; }

  std::string Standing() const {
    return saved_step_ ? fmt::format("that of step {}", *saved_step_) : std::string("the beginning");
  }

  TrainingOutcome Stopped() const {
    return {.state = state_, .kept_step = 0, .checkpointed = Checkpointed(), .stopped = true};
  }

  Status Annotated(const Status& divergence) const {
    const std::string good = saved_step_ ? fmt::format("the last good checkpoint is of step {}, {}",
                                                       *saved_step_, in_.checkpoint->standing())
                                         : "no checkpoint had been written";
    return MakeStatus(divergence.code(), "{}; {}", Message(divergence), good);
  }

  void Send(const protocol::Event& event) { in_.hooks->send(event); }

  const TrainingInputs& in_;
  const TrainSettings& settings_;
  Optimizer& optimizer_;
  const std::vector<const Example*> examples_, validation_;
  BatchPlan plan_;
  const std::int64_t total_steps_;
  const Schedule schedule_;
  Stepper stepper_;
  TrainingState state_;
  std::int64_t validation_batch_ = 1;
  std::optional<std::int64_t> saved_step_;  // of the checkpoint on disk
  bool saving_works_ = true;
  Clock::duration saving_{};  // spent on checkpoints within the step
  Clock::time_point last_tried_, last_progress_;
};

}  // namespace

MemoryObserver TellMemory(const TrialHooks& hooks, const std::string& phase, std::int64_t step,
                          std::int64_t batch) {
  return [&hooks, phase, step, batch](std::int64_t size, const std::string& why) {
    hooks.send(protocol::OutOfMemory{phase, step, size, (batch + size - 1) / size, why});
  };
}

StatusOr<TrainingOutcome> TrainTrial(const TrainingInputs& inputs) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Optimizer> optimizer,
                   CreateOptimizer(inputs.trial->train.optimizer, inputs.parameters));
  return Training(inputs, *optimizer).Run();
}

std::int64_t TotalSteps(const TrainSettings& settings, std::int64_t documents) {
  if (settings.steps) return *settings.steps;
  return settings.epochs.value_or(1) * ((documents + settings.batch_size - 1) / settings.batch_size);
}

}  // namespace lorikeet::trainer
