// The safetensors container: an 8-byte little-endian header length, a JSON header, then raw tensor bytes.
// Free of Torch, so that fuzzers reach it. Source of the format: github.com/huggingface/safetensors, README.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/status.h"

namespace lorikeet::text {

struct TensorEntry {
  std::string dtype;  // "F32", "BF16", "F16", "F64", "I64", …
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;  // bytes from the start of the data section
};

// A read-only file mapping. Thread-safe after Open; the mapping lives as long as the object.
class SafetensorsFile {
 public:
  // Refuses, naming the file and the tensor: a truncated file, a header over 100 MB, offsets that overlap,
  // leave holes or pass the end, shapes that do not fit their bytes, unknown dtypes.
  // `writable`: the mapping may be written to, which changes this process's copy of a page and never the
  // file.
  static StatusOr<std::unique_ptr<SafetensorsFile>> Open(const std::string& path, bool writable = false);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  const std::map<std::string, TensorEntry>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // Of one of tensors(); aligned to nothing, so copy before reading wider types.
  std::span<const std::byte> bytes(const TensorEntry& entry) const;
  const std::string& path() const { return path_; }

 private:
  SafetensorsFile() = default;
  std::string path_;
  void* mapping_ = nullptr;
  std::uint64_t mapping_bytes_ = 0, data_offset_ = 0;
  std::map<std::string, TensorEntry> tensors_;
  std::map<std::string, std::string> metadata_;
};

// Parses a header alone (what Open does after mapping): `data_bytes` is the size of the data section.
StatusOr<std::map<std::string, TensorEntry>> ParseSafetensorsHeader(
    const std::string& header, std::uint64_t data_bytes, std::map<std::string, std::string>* metadata);

struct TensorToWrite {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;  // little-endian, contiguous
};

// Writes atomically (aside, fsync, rename). Tensors in the order given; metadata {"format": "pt"} as Hugging
// Face asks.
Status WriteSafetensors(const std::string& path, const std::vector<TensorToWrite>& tensors);

}  // namespace lorikeet::text
