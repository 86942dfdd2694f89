#include "worker/trainer/train/memory.h"

#include <algorithm>
#include <filesystem>

#include "worker/trainer/files/out_of_memory.h"
#include "worker/trainer/model/parameters.h"
#include "worker/trainer/train/cpu_memory.h"
#include "worker/trainer/train/device.h"

namespace lorikeet::trainer {
namespace {

std::int64_t WeightFileBytes(const std::string& directory) {
  std::int64_t bytes = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code no_size;
    if (entry->path().extension() == ".safetensors")
      bytes += static_cast<std::int64_t>(entry->file_size(no_size));
  }
  return bytes;
}

}  // namespace

Status CatchExceptions(const std::function<Status()>& run) {
  try {
    return run();
  } catch (const std::exception& exception) {
    return StatusOf(exception);
  }
}

Status WithMemory(std::int64_t& micro_batch_size, const std::function<void(std::int64_t)>& run,
                  const MemoryObserver& observer) {
  for (;;) {
    Status status = CatchExceptions([&] {
      run(micro_batch_size);
      return absl::OkStatus();
    });
    if (status.code() != absl::StatusCode::kResourceExhausted) return status;
    if (micro_batch_size <= 1) {
      return MakeStatus(absl::StatusCode::kResourceExhausted,
                        "{}; this was with one document a micro-batch: more resources.memory, a smaller "
                        "max_source_tokens, or train.gradient_checkpointing would help",
                        Message(status));
    }
    ReleaseCachedMemory();
    micro_batch_size = (micro_batch_size + 1) / 2;
    if (observer) observer(micro_batch_size, Message(status));
  }
}

Status LimitMemory(const Trial& trial, const std::string& device) {
  const std::int64_t limit = trial.resources.memory_bytes.value_or(0);
  if (device != "cpu") return limit > 0 ? LimitGpuMemory(device, limit) : absl::OkStatus();
  if (limit <= 0 && CpuMemory::Limit() <= 0) return absl::OkStatus();
  CpuMemory& memory = CpuMemory::Install();
  memory.MeasureOther();
  memory.SetLimit(limit);
  return absl::OkStatus();
}

Status CheckModelFits(const Trial& trial, const std::string& directory, at::ScalarType compute) {
  const std::int64_t limit = CpuMemory::Limit();
  if (limit <= 0) return absl::OkStatus();
  const CpuMemory& memory = CpuMemory::Install();
  const bool full = trial.method == Method::kFull;
  LoadOptions options;
  options.compute = compute;
  options.trainable = full;
  ASSIGN_OR_RETURN(const T5Config config, ReadT5Config(directory));
  const std::int64_t weights = ParameterBytes(config, options);
  // With full fine-tuning as much again for the gradients, and twice for AdamW's moments.
  const bool moments = trial.train.optimizer.name == "adamw";
  const std::int64_t training = full ? weights * (moments ? 3 : 1) : 0;
  const std::int64_t reading = std::max<std::int64_t>(WeightFileBytes(directory) - weights - training, 0);
  const std::int64_t needed = memory.other() + memory.tensors() + weights + training + reading;
  if (needed <= limit) return absl::OkStatus();
  return MakeStatus(
      absl::StatusCode::kResourceExhausted,
      "out of memory: resources.memory is {}, and {} needs {} before the first document: {} for the program "
      "and its data, {} for the weights, {} to train or read them; set resources.memory above {}",
      FormatMemory(limit), directory, FormatMemory(needed), FormatMemory(memory.other() + memory.tensors()),
      FormatMemory(weights), FormatMemory(training + reading), FormatMemory(needed));
}

}  // namespace lorikeet::trainer
