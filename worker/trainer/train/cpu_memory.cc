#include "worker/trainer/train/cpu_memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>

namespace lorikeet::trainer {
namespace {

struct Counts {
  std::atomic<std::int64_t> limit = 0, other = 0, tensors = 0, peak = 0;
};

// Tensors may outlive everything, so these are never destroyed.
Counts& counts() {
  static auto* const counts = new Counts;
  return *counts;
}
c10::DeleterFnPtr g_inner_deleter = nullptr;

void Free(void* data) {
  counts().tensors -= static_cast<std::int64_t>(malloc_usable_size(data));
  g_inner_deleter(data);
}

class CountingAllocator final : public c10::Allocator {
 public:
  explicit CountingAllocator(c10::Allocator* inner) : inner_(inner) {}

  c10::DataPtr allocate(std::size_t bytes) override {
    Counts& now = counts();
    CheckLimit(now, static_cast<std::int64_t>(bytes));
    c10::DataPtr data = inner_->allocate(bytes);
    if (!data.compare_exchange_deleter(g_inner_deleter, &Free)) return data;
    const auto taken = static_cast<std::int64_t>(malloc_usable_size(data.get()));
    const std::int64_t total = now.tensors += taken;
    for (std::int64_t peak = now.peak; total > peak && !now.peak.compare_exchange_weak(peak, total);) {
    }
    return data;
  }
  c10::DeleterFnPtr raw_deleter() const override { return &Free; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

 private:
  static void CheckLimit(const Counts& now, std::int64_t bytes) {
    const std::int64_t limit = now.limit, other = now.other, tensors = now.tensors;
    if (limit <= 0 || other + tensors + bytes <= limit) return;
    C10_THROW_ERROR(
        OutOfMemoryError,
        fmt::format("{} more would make {}, and resources.memory is {} (in use: {} by tensors, {} by the "
                    "program and its data)",
                    FormatMemory(bytes), FormatMemory(other + tensors + bytes), FormatMemory(limit),
                    FormatMemory(tensors), FormatMemory(other)));
  }

  c10::Allocator* const inner_;
};

std::int64_t ResidentBytes() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmRSS:")) return std::atoll(line.c_str() + 6) * 1024;
  }
  return 0;
}

}  // namespace

CpuMemory& CpuMemory::Install() {
  static CpuMemory* const memory = [] {
    c10::Allocator* const inner = c10::GetCPUAllocator();
    g_inner_deleter = inner->raw_deleter();
    // The highest priority: LibTorch's own registrations have lower ones.
    c10::SetCPUAllocator(new CountingAllocator(inner), /*priority=*/255);
    return new CpuMemory;
  }();
  return *memory;
}

void CpuMemory::SetLimit(std::int64_t bytes) { counts().limit = bytes; }
std::int64_t CpuMemory::Limit() { return counts().limit; }

void CpuMemory::MeasureOther() {
  malloc_trim(0);
  counts().other = std::max<std::int64_t>(ResidentBytes() - counts().tensors, 0);
}

void CpuMemory::SetOther(std::int64_t bytes) { counts().other = bytes; }
std::int64_t CpuMemory::other() const { return counts().other; }
std::int64_t CpuMemory::tensors() const { return counts().tensors; }
std::int64_t CpuMemory::peak_tensors() const { return counts().peak; }
void CpuMemory::ResetPeak() { counts().peak = counts().tensors.load(); }

std::string FormatMemory(std::int64_t bytes) {
  constexpr std::int64_t kMiB = std::int64_t{1} << 20;
  return fmt::format("{}MiB", (bytes + kMiB - 1) / kMiB);
}

}  // namespace lorikeet::trainer
