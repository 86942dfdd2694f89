#include "worker/trainer/train/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/AllocatorConfig.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <dlfcn.h>
#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#if defined(__x86_64__)
// MKL asks this of itself, as LibTorch exports it, and gives processors of other makers kernels of half the
// speed or less. Defined in the program, ours is the one that is found
// (docs/adr/0002-mkl-on-other-processors.md).
extern "C" int mkl_serv_intel_cpu_true() {  // NOLINT(readability-identifier-naming)
  return static_cast<int>(__builtin_cpu_is("intel") || __builtin_cpu_supports("avx2"));
}
#endif

namespace lorikeet::trainer {
namespace {

// The text after the colon of the first line of `path` that starts with `key`.
std::string FieldOf(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(':');
    if (!line.starts_with(key) || colon == std::string::npos) continue;
    const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

// A function of the driver's own library, opened at run time: a CPU build has none of CUDA's headers. Null
// where there is no driver.
template <typename Function>
Function* DriverFunction(const char* name) {
  static void* const driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  return driver == nullptr ? nullptr : reinterpret_cast<Function*>(dlsym(driver, name));
}

std::string CudaDeviceName(int ordinal) {
  auto* const get = DriverFunction<int(int*, int)>("cuDeviceGet");
  auto* const get_name = DriverFunction<int(char*, int, int)>("cuDeviceGetName");
  char name[256] = {};
  int device = 0;
  if (get == nullptr || get_name == nullptr || get(&device, ordinal) != 0 ||
      get_name(name, sizeof(name) - 1, device) != 0) {
    return "";
  }
  return name;
}

// 0 where the driver does not say.
std::int64_t CudaDeviceBytes(int ordinal) {
  auto* const start = DriverFunction<int(unsigned)>("cuInit");
  auto* const get = DriverFunction<int(int*, int)>("cuDeviceGet");
  auto* const total = DriverFunction<int(std::size_t*, int)>("cuDeviceTotalMem_v2");
  std::size_t bytes = 0;
  int device = 0;
  const bool known = start != nullptr && get != nullptr && total != nullptr && start(0) == 0 &&
                     get(&device, ordinal) == 0 && total(&bytes, device) == 0;
  return known ? static_cast<std::int64_t>(bytes) : 0;
}

}  // namespace

StatusOr<at::Device> ParseDevice(const std::string& name) {
  if (name == "cpu") return at::Device(at::kCPU);
  const bool numbered =
      name.starts_with("cuda:") && name.size() > 5 && name.size() < 8 &&
      std::all_of(name.begin() + 5, name.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (name != "cuda" && !numbered) return InvalidArgument("device {}: cpu or cuda:N would be right", name);
  if (!at::globalContext().hasCUDA()) {
    return InvalidArgument("device {}: no CUDA device here, or this LibTorch is built without CUDA", name);
  }
  const int index = numbered ? std::atoi(name.c_str() + 5) : 0;
  const int count =
      static_cast<unsigned char>(at::globalContext().getAcceleratorHooksInterface(at::kCUDA).deviceCount());
  if (index >= count) return InvalidArgument("device {}: this host has {} CUDA devices", name, count);
  at::globalContext().lazyInitDevice(at::kCUDA);
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

void SetUpCompute(std::int64_t threads) {
  if (threads <= 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    threads = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
  }
  at::set_num_threads(static_cast<int>(threads));
  static const bool once = [] {  // LibTorch refuses a second time
    at::set_num_interop_threads(1);
    return true;
  }();
  static_cast<void>(once);
  // cuBLAS is deterministic only with a fixed workspace.
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
  at::globalContext().setDeterministicFillUninitializedMemory(false);
}

std::int64_t ComputeThreads() { return at::get_num_threads(); }

std::string DeviceModel(at::Device device) {
  if (device.is_cuda()) {
    const std::string name = CudaDeviceName(device.index());
    return name.empty() ? "unknown GPU" : name;
  }
  const std::string name = FieldOf("/proc/cpuinfo", "model name");
  return name.empty() ? "unknown CPU" : name;
}

bool HasFastBf16(at::Device device) {
  if (!device.is_cpu()) return true;
  const std::string flags = FieldOf("/proc/cpuinfo", "flags");
  return ListsBf16(flags.empty() ? FieldOf("/proc/cpuinfo", "Features") : flags);
}

bool ListsBf16(const std::string& flags) {
  std::istringstream words(flags);
  for (std::string word; words >> word;) {
    if (word == "avx512_bf16" || word == "amx_bf16" || word == "bf16") return true;
  }
  return false;
}

std::int64_t PeakMemoryBytes(at::Device device) {
  if (device.is_cuda()) {
    const auto stats = c10::getDeviceAllocator(at::kCUDA)->getDeviceStats(device.index());
    return stats.allocated_bytes[static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE)].peak;
  }
  const std::string peak = FieldOf("/proc/self/status", "VmHWM");  // "123456 kB"
  return std::atoll(peak.c_str()) * 1024;
}

Status LimitGpuMemory(const std::string& device, std::int64_t bytes) {
  const std::int64_t total = CudaDeviceBytes(device.size() > 5 ? std::atoi(device.c_str() + 5) : 0);
  if (total <= 0) return FailedPrecondition("{}: the driver does not say how much memory it has", device);
  if (bytes >= total) return absl::OkStatus();
  // Read by the allocator when the device is first used. What the environment sets stays.
  const std::string given = c10::CachingAllocator::getAllocatorSettings();
  c10::CachingAllocator::setAllocatorSettings(
      fmt::format("{}{}per_process_memory_fraction:{:.6f}", given, given.empty() ? "" : ",",
                  static_cast<double>(bytes) / static_cast<double>(total)));
  return absl::OkStatus();
}

void ReleaseCachedMemory() {
  if (at::globalContext().hasCUDA()) c10::getDeviceAllocator(at::kCUDA)->emptyCache();
}

}  // namespace lorikeet::trainer
