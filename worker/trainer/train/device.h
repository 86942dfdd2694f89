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

// The process's highest resident size on CPUs, the most memory allocated on a GPU.
std::int64_t PeakMemoryBytes(at::Device device);

// Gives memory that LibTorch keeps for reuse back to the GPUs in use.
void ReleaseCachedMemory();

}  // namespace lorikeet::trainer
