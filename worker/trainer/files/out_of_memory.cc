#include "worker/trainer/files/out_of_memory.h"

#include <c10/util/Exception.h>

#include <new>
#include <string>
#include <string_view>

namespace lorikeet::trainer {
namespace {

// LibTorch's own CPU allocator throws a plain error, and so do CUDA and cuBLAS where they find no memory
// beside the caching allocator's: only the words tell.
bool SaysOutOfMemory(std::string_view what) {
  for (const char* words : {"can't allocate memory", "not enough memory", "CUDA error: out of memory",
                            "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED"}) {
    if (what.find(words) != std::string_view::npos) return true;
  }
  return false;
}

std::string FirstLine(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

}  // namespace

Status StatusOf(const std::exception& exception) {
  if (const auto* error = dynamic_cast<const c10::Error*>(&exception)) {
    const std::string what = FirstLine(error->what_without_backtrace());
    const bool out_of_memory =
        dynamic_cast<const c10::OutOfMemoryError*>(error) != nullptr || SaysOutOfMemory(what);
    if (!out_of_memory) return Internal("{}", what);
    return MakeStatus(absl::StatusCode::kResourceExhausted, "out of memory: {}", what);
  }
  if (dynamic_cast<const std::bad_alloc*>(&exception) != nullptr) {
    return MakeStatus(absl::StatusCode::kResourceExhausted, "out of memory: the host has no more");
  }
  return Internal("{}", exception.what());
}

}  // namespace lorikeet::trainer
