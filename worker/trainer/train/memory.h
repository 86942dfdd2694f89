// What is done when memory runs out, and how exceptions of LibTorch and the standard library become statuses.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <string>

#include "common/status.h"
#include "sweeps/trial/trial.h"

namespace lorikeet::trainer {

// Calls `run`; ResourceExhausted where memory ran out, Internal for another exception.
Status CatchExceptions(const std::function<Status()>& run);

// Hears of each halving: the new micro-batch size, and what ran out.
using MemoryObserver = std::function<void(std::int64_t micro_batch_size, const std::string& why)>;

// Calls `run` with the micro-batch size to use, and again with half of it for as long as memory runs out.
// What was found stays in `micro_batch_size`. ResourceExhausted where one document is too much.
Status WithMemory(std::int64_t& micro_batch_size, const std::function<void(std::int64_t)>& run,
                  const MemoryObserver& observer = {});

// Holds this process to the trial's resources.memory: of the process on CPUs, of the GPU else. Before the
// device is used for the first time; `device` is "cpu" or "cuda:N". Without one it lifts an earlier limit.
Status LimitMemory(const Trial& trial, const std::string& device);

// Under a limit on CPUs: ResourceExhausted where the model and what training keeps beside it (gradients,
// moments) cannot fit, saying what they need and what to set. `directory` is the model's, `compute` what its
// products are computed in.
Status CheckModelFits(const Trial& trial, const std::string& directory, at::ScalarType compute);

}  // namespace lorikeet::trainer
