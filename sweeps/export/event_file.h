// A TensorBoard event file: Event messages, each framed as TensorFlow's records are.
//
// A record is the length (8 bytes, little-endian), the masked CRC-32C of these, the bytes, and their masked
// CRC-32C. Not thread-safe; errors name the path.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/status.h"
#include "sweeps/export/new_files.h"

namespace lorikeet::exporting {

// "123456789" → 0xE3069283.
std::uint32_t Crc32c(std::string_view bytes);
// TensorFlow's mask, since a CRC over bytes that hold CRCs is weak.
std::uint32_t MaskedCrc32c(std::string_view bytes);
// `content` as a record.
std::string Record(std::string_view content);

class EventFile {
 public:
  explicit EventFile(std::string path) : file_(std::move(path)) {}
  // Writes the format's version, which comes first.
  Status Open(double wall_time);
  Status Scalar(double wall_time, std::int64_t step, const std::string& tag, float value);
  // A message of the plugin `hparams`, serialized.
  Status HParams(double wall_time, const std::string& tag, const std::string& content);
  Status Keep();

 private:
  Status Write(std::string_view event);

  NewFile file_;
  std::string waiting_;  // records, until they are worth a write
};

}  // namespace lorikeet::exporting
