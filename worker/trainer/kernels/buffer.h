// Memory that kernels work in and decodings keep.
#pragma once

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <cstdint>

namespace lorikeet::trainer {

// Uninitialised, on a cache line. From LibTorch's allocator, as tensors are, so that a limit on memory counts
// it; where that is passed, c10::OutOfMemoryError.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::int64_t size) { resize(size); }
  // What was in it is lost.
  void resize(std::int64_t size) {
    data_.clear();
    data_ = Allocate(size);
    size_ = size;
  }
  // At least `size`, and the first `used` elements stay. In steps that make growing one by one cheap.
  void Grow(std::int64_t size, std::int64_t used) {
    if (size <= size_) return;
    const std::int64_t larger = std::max(size, 2 * size_);
    c10::DataPtr data = Allocate(larger);
    std::copy_n(this->data(), used, static_cast<T*>(data.get()));
    data_ = std::move(data);
    size_ = larger;
  }
  T* data() { return static_cast<T*>(data_.get()); }
  const T* data() const { return static_cast<const T*>(data_.get()); }
  T& operator[](std::int64_t i) { return data()[i]; }
  std::int64_t size() const { return size_; }

 private:
  static c10::DataPtr Allocate(std::int64_t size) {
    constexpr std::size_t kSpare = 64;  // what whole vectors read past the end
    return c10::GetCPUAllocator()->allocate(static_cast<std::size_t>(size) * sizeof(T) + kSpare);
  }

  c10::DataPtr data_;
  std::int64_t size_ = 0;
};

}  // namespace lorikeet::trainer
