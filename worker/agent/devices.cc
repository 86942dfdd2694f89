#include "worker/agent/devices.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace lorikeet::agent {
namespace {

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end == std::string::npos ? end : end - begin));
    if (end == std::string::npos) return parts;
    begin = end + 1;
  }
}

std::optional<std::int64_t> ParseIndex(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > 1023)
    return std::nullopt;
  return value;
}

StatusOr<std::vector<Slot>> GpuSlots(const SlotSettings& settings, const std::vector<Gpu>& gpus,
                                     const Cpu& cpu) {
  std::vector<std::int64_t> indices = settings.devices.indices;
  if (indices.empty()) {
    for (std::size_t i = 0; i < gpus.size(); ++i) indices.push_back(static_cast<std::int64_t>(i));
  }
  const auto count = static_cast<std::int64_t>(indices.size());
  if (settings.slots && *settings.slots != count) {
    return InvalidArgument("--slots {}: a GPU is one slot, and there are {}; --devices cuda:0,1 picks some",
                           *settings.slots, count);
  }
  std::vector<Slot> slots;
  for (const std::int64_t index : indices) {
    if (index >= static_cast<std::int64_t>(gpus.size())) {
      return FailedPrecondition("--devices: no cuda:{} on this host, which shows {} GPU(s)", index,
                                gpus.size());
    }
    const Gpu& gpu = gpus[static_cast<std::size_t>(index)];
    slots.push_back({static_cast<std::int64_t>(slots.size()), "cuda", fmt::format("cuda:{}", index),
                     gpu.model, gpu.memory_bytes,
                     settings.threads.value_or(std::max<std::int64_t>(1, cpu.threads / count))});
  }
  return slots;
}

StatusOr<std::vector<Slot>> CpuSlots(const SlotSettings& settings, const Cpu& cpu) {
  const std::int64_t count = settings.slots.value_or(1);
  const std::int64_t threads = settings.threads.value_or(std::max<std::int64_t>(1, cpu.threads / count));
  std::vector<Slot> slots;
  for (std::int64_t i = 0; i < count; ++i) {
    slots.push_back({i, "cpu", "cpu", cpu.model, cpu.memory_bytes / count, threads});
  }
  return slots;
}

}  // namespace

StatusOr<DeviceChoice> ParseDevices(const std::string& text) {
  if (text == "auto") return DeviceChoice{};
  if (text == "cpu") return DeviceChoice{DeviceChoice::Kind::kCpu, {}};
  if (text == "cuda") return DeviceChoice{DeviceChoice::Kind::kCuda, {}};
  if (text.rfind("cuda:", 0) != 0) {
    return InvalidArgument("--devices {}: one of auto, cpu, cuda, cuda:0,1", text);
  }
  DeviceChoice choice{DeviceChoice::Kind::kCuda, {}};
  for (std::string part : Split(text, ',')) {  // cuda:0,1 and cuda:0,cuda:1 mean the same
    if (part.rfind("cuda:", 0) == 0) part = part.substr(5);
    const std::optional<std::int64_t> index = ParseIndex(part);
    if (!index) return InvalidArgument("--devices {}: '{}' is no GPU's number; as in cuda:0,1", text, part);
    if (std::find(choice.indices.begin(), choice.indices.end(), *index) != choice.indices.end()) {
      return InvalidArgument("--devices {}: GPU {} twice", text, *index);
    }
    choice.indices.push_back(*index);
  }
  return choice;
}

StatusOr<std::vector<Slot>> FindSlots(const SlotSettings& settings, DeviceProbe& probe) {
  if (settings.slots && (*settings.slots < 1 || *settings.slots > 4096)) {
    return InvalidArgument("--slots {}: 1 to 4096", *settings.slots);
  }
  if (settings.threads && (*settings.threads < 1 || *settings.threads > 4096)) {
    return InvalidArgument("--threads {}: 1 to 4096", *settings.threads);
  }
  const Cpu cpu = probe.HostCpu();
  if (settings.devices.kind == DeviceChoice::Kind::kCpu) return CpuSlots(settings, cpu);
  const StatusOr<std::vector<Gpu>> gpus = probe.Gpus();
  if (!gpus.ok()) {
    return FailedPrecondition("cannot look for GPUs: {}; --devices cpu does without", Message(gpus.status()));
  }
  if (!gpus->empty()) return GpuSlots(settings, *gpus, cpu);
  if (settings.devices.kind == DeviceChoice::Kind::kAuto) return CpuSlots(settings, cpu);
  return FailedPrecondition("--devices cuda: no NVIDIA GPU or driver (libnvidia-ml.so.1) on this host");
}

std::vector<std::size_t> VisibleDevices(const std::string& visible, const std::vector<std::string>& uuids) {
  std::vector<std::size_t> devices;
  for (const std::string& entry : Split(visible, ',')) {
    std::optional<std::size_t> found;
    if (const auto index = ParseIndex(entry)) {
      if (static_cast<std::size_t>(*index) < uuids.size()) found = static_cast<std::size_t>(*index);
    } else if (!entry.empty()) {  // a UUID, or the beginning of one
      for (std::size_t i = 0; i < uuids.size() && !found; ++i) {
        if (uuids[i].rfind(entry, 0) == 0) found = i;
      }
    }
    if (!found || std::find(devices.begin(), devices.end(), *found) != devices.end()) break;
    devices.push_back(*found);
  }
  return devices;
}

}  // namespace lorikeet::agent
