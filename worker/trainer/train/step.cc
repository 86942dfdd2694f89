#include "worker/trainer/train/step.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

namespace lorikeet::trainer {
namespace {

std::vector<const Example*> Sorted(std::span<const Example* const> examples) {
  std::vector<const Example*> sorted;
  sorted.reserve(examples.size());
  for (const std::size_t i : OrderByLength(examples)) sorted.push_back(examples[i]);
  return sorted;
}

template <typename Visit>
void ForEachChunk(const std::vector<const Example*>& examples, std::int64_t size, const Visit& visit) {
  for (std::size_t begin = 0; begin < examples.size(); begin += static_cast<std::size_t>(size)) {
    const std::size_t count = std::min(static_cast<std::size_t>(size), examples.size() - begin);
    visit(begin, std::span<const Example* const>(examples).subspan(begin, count));
  }
}

}  // namespace

StatusOr<StepOutcome> Stepper::Run(std::span<const Example* const> examples, std::int64_t step,
                                   double learning_rate) {
  const std::vector<const Example*> sorted = Sorted(examples);
  StepOutcome outcome;
  std::int64_t targets = 0;
  for (const Example* example : sorted) {
    targets += static_cast<std::int64_t>(example->target.size());
    outcome.tokens += static_cast<std::int64_t>(example->source.size() + example->target.size());
  }
  const double share = 1.0 / static_cast<double>(std::max<std::int64_t>(targets, 1));
  bool stopped = false;
  const auto compute = [&](std::int64_t size) {
    for (const at::Tensor& parameter : parameters) parameter.mutable_grad().reset();
    at::Tensor total;  // on the device, so that micro-batches are not waited for
    ForEachChunk(sorted, size, [&](std::size_t first, std::span<const Example* const> chunk) {
      stopped = stopped || (stop && stop());
      if (stopped) return;
      if (dropout != nullptr) dropout->Rekey(step, static_cast<std::int64_t>(first));
      const Batch batch = MakeBatch(chunk, model->device());
      const TokenLoss loss =
          Loss(*model, batch,
               {.adapter = adapter, .dropout = dropout, .gradient_checkpointing = gradient_checkpointing});
      const at::Tensor part = loss.sum * share;
      part.backward();
      total = total.defined() ? total + part.detach() : part.detach();
    });
    if (stopped) return;
    // The one time in a step that a GPU is waited for: what diverged must not reach the parameters.
    const at::Tensor norm = ClipGradients(parameters, gradient_clip);
    const at::Tensor both = at::stack({total, norm.to(total.device())}).to(at::kCPU, at::kDouble);
    outcome.loss = both[0].item<double>();
    outcome.gradient_norm = both[1].item<double>();
  };
  RETURN_IF_ERROR(WithMemory(micro_batch_size, compute, memory_observer));
  if (stopped) return absl::CancelledError("stopped");
  RETURN_IF_ERROR(CheckFinite(outcome.loss, fmt::format("the loss at step {}", step + 1)));
  RETURN_IF_ERROR(
      CheckFinite(outcome.gradient_norm, fmt::format("the gradient's norm at step {}", step + 1)));
  if (before_update) RETURN_IF_ERROR(before_update());
  optimizer->Step(learning_rate);
  return outcome;
}

StatusOr<std::optional<double>> MeanLoss(const T5& model, const AdapterView* adapter,
                                         std::span<const Example* const> examples,
                                         std::int64_t& micro_batch_size, const std::function<bool()>& stop,
                                         const MemoryObserver& observer) {
  const at::NoGradGuard no_grad;
  const std::vector<const Example*> sorted = Sorted(examples);
  bool stopped = false;
  double sum = 0;
  std::int64_t tokens = 0;
  const auto compute = [&](std::int64_t size) {
    sum = 0;
    tokens = 0;
    ForEachChunk(sorted, size, [&](std::size_t, std::span<const Example* const> chunk) {
      stopped = stopped || (stop && stop());
      if (stopped) return;
      const TokenLoss loss = Loss(model, MakeBatch(chunk, model.device()), {.adapter = adapter});
      sum += loss.sum.item<double>();
      tokens += loss.tokens;
    });
  };
  RETURN_IF_ERROR(WithMemory(micro_batch_size, compute, observer));
  if (stopped) return std::nullopt;
  return sum / static_cast<double>(std::max<std::int64_t>(tokens, 1));
}

Status CheckFinite(double value, const std::string& what) {
  if (std::isfinite(value)) return absl::OkStatus();
  // A not-a-number has a sign, which says nothing.
  return MakeStatus(absl::StatusCode::kOutOfRange, "diverged: {} is {}", what,
                    std::isnan(value) ? std::abs(value) : value);
}

bool AllFinite(const TensorMap& tensors) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors) {
    const auto [least, greatest] = at::aminmax(tensor.detach());  // both are not a number where one value is
    if (!std::isfinite(least.item<double>()) || !std::isfinite(greatest.item<double>())) return false;
  }
  return true;
}

bool IsDivergence(const Status& status) { return status.code() == absl::StatusCode::kOutOfRange; }

}  // namespace lorikeet::trainer
