#include "worker/trainer/train/memory.h"

#include <c10/util/Exception.h>

#include <new>
#include <string_view>

#include "worker/trainer/train/device.h"

namespace lorikeet::trainer {
namespace {

// LibTorch's CPU allocator throws a plain error; only its words tell.
bool IsOutOfMemory(const c10::Error& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  const std::string_view what = error.what_without_backtrace();
  return what.find("can't allocate memory") != std::string_view::npos ||
         what.find("not enough memory") != std::string_view::npos;
}

}  // namespace

Status CatchExceptions(const std::function<Status()>& run) {
  try {
    return run();
  } catch (const c10::Error& error) {
    if (!IsOutOfMemory(error)) return Internal("{}", error.what_without_backtrace());
    return absl::ResourceExhaustedError("out of memory");
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory");
  } catch (const std::exception& error) {
    return Internal("{}", error.what());
  }
}

Status WithMemory(std::int64_t& micro_batch_size, const std::function<void(std::int64_t)>& run) {
  for (;;) {
    Status status = CatchExceptions([&] {
      run(micro_batch_size);
      return absl::OkStatus();
    });
    if (status.code() != absl::StatusCode::kResourceExhausted) return status;
    if (micro_batch_size <= 1) {
      return absl::ResourceExhaustedError("out of memory with one document a micro-batch");
    }
    ReleaseCachedMemory();
    micro_batch_size = (micro_batch_size + 1) / 2;
  }
}

}  // namespace lorikeet::trainer
