#include "worker/trainer/train/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <dlfcn.h>
#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

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

// The driver's own library, opened at run time: a CPU build has none of CUDA's headers.
std::string CudaDeviceName(int ordinal) {
  void* const driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (driver == nullptr) return "";
  const auto get = reinterpret_cast<int (*)(int*, int)>(dlsym(driver, "cuDeviceGet"));
  const auto get_name = reinterpret_cast<int (*)(char*, int, int)>(dlsym(driver, "cuDeviceGetName"));
  char name[256] = {};
  int device = 0;
  if (get == nullptr || get_name == nullptr || get(&device, ordinal) != 0 ||
      get_name(name, sizeof(name) - 1, device) != 0) {
    return "";
  }
  return name;
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

std::int64_t PeakMemoryBytes(at::Device device) {
  if (device.is_cuda()) {
    const auto stats = c10::getDeviceAllocator(at::kCUDA)->getDeviceStats(device.index());
    return stats.allocated_bytes[static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE)].peak;
  }
  const std::string peak = FieldOf("/proc/self/status", "VmHWM");  // "123456 kB"
  return std::atoll(peak.c_str()) * 1024;
}

void ReleaseCachedMemory() {
  if (at::globalContext().hasCUDA()) c10::getDeviceAllocator(at::kCUDA)->emptyCache();
}

}  // namespace lorikeet::trainer
