// The device that a command runs on: "cpu" or "cuda:N". Free functions; SetUp is called once, before other
// threads.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>

#include "common/status.h"

namespace lorikeet::trainer {

// "cpu", "cuda" or "cuda:N". Refuses a device that this LibTorch or this host does not have.
StatusOr<at::Device> ParseDevice(const std::string& name);

// Threads of ATen, deterministic kernels. `threads` 0: every core that this process may run on.
void SetUpCompute(std::int64_t threads);
std::int64_t ComputeThreads();

// "AMD EPYC …" from /proc/cpuinfo, or the GPU's name from its driver.
std::string DeviceModel(at::Device device);

// Whether bf16 is faster than fp32 there: on GPUs, and on CPUs with instructions for it.
bool HasFastBf16(at::Device device);
// The same of a CPU from the `flags` (on Arm the `Features`) of /proc/cpuinfo.
bool ListsBf16(const std::string& flags);

// The process's highest resident size on CPUs, the most memory allocated on a GPU.
std::int64_t PeakMemoryBytes(at::Device device);

// Lets this process take so many bytes of the GPU named "cuda:N" at most, as its allocator counts them; an
// allocation beyond throws c10::OutOfMemoryError. Before the device is used for the first time.
Status LimitGpuMemory(const std::string& device, std::int64_t bytes);

// Gives memory that LibTorch keeps for reuse back to the GPUs in use.
void ReleaseCachedMemory();

}  // namespace lorikeet::trainer
