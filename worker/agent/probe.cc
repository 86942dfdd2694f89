// The machine itself: /proc, and NVIDIA's management library opened at run time.
#include <dlfcn.h>
#include <sched.h>

#include <cstdlib>
#include <sstream>
#include <thread>

#include "common/files.h"
#include "worker/agent/devices.h"

namespace lorikeet::agent {
namespace {

// The few declarations of nvml.h that are used; its ABI is stable.
using NvmlDevice = struct nvmlDevice_st*;
struct NvmlMemory {
  unsigned long long total, free, used;
};
constexpr int kNvmlSuccess = 0;
constexpr int kNvmlDriverNotLoaded = 9;
constexpr unsigned kNvmlText = 96;

class Nvml {
 public:
  ~Nvml() {
    if (shutdown_ != nullptr) shutdown_();
    if (library_ != nullptr) dlclose(library_);
  }

  // False where there is no library or no driver.
  StatusOr<bool> Open() {
    library_ = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library_ == nullptr) return false;
    int (*init)() = nullptr;
    if (!Find("nvmlInit_v2", init) || !Find("nvmlDeviceGetCount_v2", count_) ||
        !Find("nvmlDeviceGetHandleByIndex_v2", handle_) || !Find("nvmlDeviceGetName", name_) ||
        !Find("nvmlDeviceGetUUID", uuid_) || !Find("nvmlDeviceGetMemoryInfo", memory_)) {
      return FailedPrecondition("libnvidia-ml.so.1 lacks a function that every driver since 2013 has");
    }
    const int result = init();
    if (result == kNvmlDriverNotLoaded) return false;
    if (result != kNvmlSuccess) return FailedPrecondition("nvmlInit failed with {}", result);
    Find("nvmlShutdown", shutdown_);
    return true;
  }

  StatusOr<std::vector<Gpu>> List() {
    unsigned count = 0;
    if (const int result = count_(&count); result != kNvmlSuccess) {
      return FailedPrecondition("nvmlDeviceGetCount failed with {}", result);
    }
    std::vector<Gpu> gpus;
    std::vector<std::string> uuids;
    for (unsigned i = 0; i < count; ++i) {
      NvmlDevice device = nullptr;
      char name[kNvmlText] = "", uuid[kNvmlText] = "";
      NvmlMemory memory{};
      int result = handle_(i, &device);
      if (result == kNvmlSuccess) result = name_(device, name, kNvmlText);
      if (result == kNvmlSuccess) result = uuid_(device, uuid, kNvmlText);
      if (result == kNvmlSuccess) result = memory_(device, &memory);
      if (result != kNvmlSuccess)
        return FailedPrecondition("NVML cannot describe GPU {}: error {}", i, result);
      gpus.push_back({name, static_cast<std::int64_t>(memory.total), static_cast<std::int64_t>(memory.used)});
      uuids.emplace_back(uuid);
    }
    const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
    if (visible == nullptr) return gpus;
    std::vector<Gpu> left;
    for (const std::size_t i : VisibleDevices(visible, uuids)) left.push_back(gpus[i]);
    return left;
  }

 private:
  template <typename Function>
  bool Find(const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library_, name));
    return function != nullptr;
  }

  void* library_ = nullptr;
  int (*shutdown_)() = nullptr;
  int (*count_)(unsigned*) = nullptr;
  int (*handle_)(unsigned, NvmlDevice*) = nullptr;
  int (*name_)(NvmlDevice, char*, unsigned) = nullptr;
  int (*uuid_)(NvmlDevice, char*, unsigned) = nullptr;
  int (*memory_)(NvmlDevice, NvmlMemory*) = nullptr;
};

// The value of the first line "KEY : value" of a /proc file.
std::string ProcValue(const char* file, const std::string& key) {
  const StatusOr<std::string> text = ReadFile(file);
  if (!text.ok()) return "";
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(key, 0) != 0) continue;
    const std::size_t colon = line.find(':');
    const std::size_t begin = line.find_first_not_of(" \t", colon == std::string::npos ? colon : colon + 1);
    if (begin != std::string::npos) return line.substr(begin);
  }
  return "";
}

class Machine : public DeviceProbe {
 public:
  StatusOr<std::vector<Gpu>> Gpus() override {
    Nvml nvml;
    ASSIGN_OR_RETURN(const bool there, nvml.Open());
    if (!there) return std::vector<Gpu>{};
    return nvml.List();
  }

  Cpu HostCpu() override {
    Cpu cpu;
    cpu.model = ProcValue("/proc/cpuinfo", "model name");
    if (cpu.model.empty()) cpu.model = "CPU";  // not every architecture names one
    cpu.memory_bytes = std::strtoll(ProcValue("/proc/meminfo", "MemTotal").c_str(), nullptr, 10) * 1024;
    cpu_set_t set;
    CPU_ZERO(&set);
    const int allowed = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 0;
    cpu.threads = allowed > 0 ? allowed : std::max(1U, std::thread::hardware_concurrency());
    return cpu;
  }
};

}  // namespace

DeviceProbe& RealDevices() {
  static Machine machine;
  return machine;
}

}  // namespace lorikeet::agent
