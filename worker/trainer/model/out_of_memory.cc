#include "worker/trainer/model/out_of_memory.h"

#include <c10/util/Exception.h>

#include <new>
#include <string>
#include <string_view>

namespace lorikeet::trainer {
namespace {

// LibTorch's own CPU allocator throws a plain error; only its words tell.
bool SaysOutOfMemory(std::string_view what) {
  return what.find("can't allocate memory") != std::string_view::npos ||
         what.find("not enough memory") != std::string_view::npos;
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
