// What is done when memory runs out, and how exceptions of LibTorch and the standard library become statuses.
#pragma once

#include <cstdint>
#include <functional>

#include "common/status.h"

namespace lorikeet::trainer {

// Calls `run`; ResourceExhausted where memory ran out, Internal for another exception.
Status CatchExceptions(const std::function<Status()>& run);

// Calls `run` with the micro-batch size to use, and again with half of it for as long as memory runs out.
// What was found stays in `micro_batch_size`. ResourceExhausted where one document is too much.
Status WithMemory(std::int64_t& micro_batch_size, const std::function<void(std::int64_t)>& run);

}  // namespace lorikeet::trainer
