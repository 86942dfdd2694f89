// The process's memory on CPUs, held to a limit. docs/adr/0001-memory-limit-on-cpus.md says why it is done
// so.
//
// An allocator of LibTorch's CPU tensors that counts their bytes. What is not tensors (the program, its
// libraries, the documents) is measured at times that the caller chooses. An allocation that would take the
// sum over the limit throws c10::OutOfMemoryError, as one on a GPU does. So the same work under the same
// limit runs out of memory at the same place. Thread-safe but for Install and MeasureOther.
#pragma once

#include <cstdint>
#include <string>

namespace lorikeet::trainer {

class CpuMemory {
 public:
  // Puts the allocator in LibTorch's place, once a process; tensors made before count as other memory.
  static CpuMemory& Install();

  // 0: no limit.
  void SetLimit(std::int64_t bytes);
  // What is set, whether installed or not.
  static std::int64_t Limit();
  // Takes what the process has resident beside the counted tensors. Gives memory that nobody uses back first.
  void MeasureOther();
  // Says what that is, in place of measuring it.
  void SetOther(std::int64_t bytes);
  std::int64_t other() const;
  // Bytes of live tensors, and their highest since ResetPeak.
  std::int64_t tensors() const;
  std::int64_t peak_tensors() const;
  void ResetPeak();

 private:
  CpuMemory() = default;
};

// As the sweep file writes sizes, rounded up: "352MiB".
std::string FormatMemory(std::int64_t bytes);

}  // namespace lorikeet::trainer
