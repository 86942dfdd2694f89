// Bytes of a file as they were before gzip or zstd: which of the three it is, its first bytes say.
//
// Not thread-safe. Internal to worker/text.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "common/status.h"

namespace lorikeet::text {

class ByteStream {
 public:
  // NotFound, or InvalidArgument for a folder, with the path.
  static StatusOr<std::unique_ptr<ByteStream>> Open(const std::string& path);
  virtual ~ByteStream() = default;
  // Fills a part of `buffer`; 0 at the end. InvalidArgument, without the path, for a stream that is broken or
  // ends early.
  virtual StatusOr<std::size_t> Read(std::span<char> buffer) = 0;
};

}  // namespace lorikeet::text
