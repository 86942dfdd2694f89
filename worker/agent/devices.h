// What this host offers: one slot a GPU, or shares of the CPU threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"

namespace lorikeet::agent {

struct Slot {
  std::int64_t index = 0;
  std::string kind;          // "cpu" or "cuda"
  std::string device;        // as the trainer is told: "cpu", "cuda:0"
  std::string device_model;  // "AMD EPYC 7763", "NVIDIA H100 80GB HBM3"
  std::int64_t memory_bytes = 0;
  std::int64_t threads = 0;
};

// --devices.
struct DeviceChoice {
  enum class Kind { kAuto, kCpu, kCuda };
  Kind kind = Kind::kAuto;
  std::vector<std::int64_t> indices;  // of cuda:0,1; empty: every GPU
};
// "auto", "cpu", "cuda" or "cuda:0,1".
StatusOr<DeviceChoice> ParseDevices(const std::string& text);

struct Gpu {
  std::string model;
  std::int64_t memory_bytes = 0;
  std::int64_t used_bytes = 0;  // of them, whoever's they are
};
struct Cpu {
  std::string model;
  std::int64_t memory_bytes = 0;
  std::int64_t threads = 1;  // that this process may run on
};

// The machine, as probed; a fake in tests.
class DeviceProbe {
 public:
  virtual ~DeviceProbe() = default;
  // The GPUs that a child of ours sees as cuda:0, cuda:1…: CUDA_VISIBLE_DEVICES is heeded. Empty where there
  // is no driver; an error where there is one and it refuses.
  virtual StatusOr<std::vector<Gpu>> Gpus() = 0;
  virtual Cpu HostCpu() = 0;
};
// Reads /proc, and opens NVIDIA's management library (libnvidia-ml.so.1) where there is one.
DeviceProbe& RealDevices();

struct SlotSettings {
  DeviceChoice devices;
  std::optional<std::int64_t> slots;    // CPU slots; with GPUs: refused unless it is their number
  std::optional<std::int64_t> threads;  // of each slot; unset: an equal share of the host's
};
// FailedPrecondition for a GPU that is not there, with what is.
StatusOr<std::vector<Slot>> FindSlots(const SlotSettings& settings, DeviceProbe& probe);

// Which of `uuids` (in PCI order) CUDA_VISIBLE_DEVICES leaves, in its order: as CUDA reads it, the first
// entry that names no device ends the list.
std::vector<std::size_t> VisibleDevices(const std::string& visible, const std::vector<std::string>& uuids);

}  // namespace lorikeet::agent
