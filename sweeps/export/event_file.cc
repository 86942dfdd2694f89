#include "sweeps/export/event_file.h"

#include <boost/crc.hpp>

#include "event.pb.h"

namespace lorikeet::exporting {
namespace {

constexpr std::size_t kWriteBytes = std::size_t{1} << 16;

std::string LittleEndian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>((value >> (8 * i)) & 0xFF);
  return text;
}

}  // namespace

std::uint32_t Crc32c(std::string_view bytes) {
  // Castagnoli's polynomial; bits in and out reflected.
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

std::uint32_t MaskedCrc32c(std::string_view bytes) {
  const std::uint32_t crc = Crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
}

std::string Record(std::string_view content) {
  const std::string length = LittleEndian(content.size(), 8);
  return length + LittleEndian(MaskedCrc32c(length), 4) + std::string(content) +
         LittleEndian(MaskedCrc32c(content), 4);
}

Status EventFile::Open(double wall_time) {
  RETURN_IF_ERROR(file_.Open());
  tensorboard::Event event;
  event.set_wall_time(wall_time);
  event.set_file_version("brain.Event:2");
  return Write(event.SerializeAsString());
}

Status EventFile::Scalar(double wall_time, std::int64_t step, const std::string& tag, float value) {
  tensorboard::Event event;
  event.set_wall_time(wall_time);
  event.set_step(step);
  tensorboard::Summary::Value& scalar = *event.mutable_summary()->add_value();
  scalar.set_tag(tag);
  scalar.set_simple_value(value);
  return Write(event.SerializeAsString());
}

Status EventFile::HParams(double wall_time, const std::string& tag, const std::string& content) {
  tensorboard::Event event;
  event.set_wall_time(wall_time);
  tensorboard::Summary::Value& value = *event.mutable_summary()->add_value();
  value.set_tag(tag);
  tensorboard::Metadata::PluginData& plugin = *value.mutable_metadata()->mutable_plugin_data();
  plugin.set_plugin_name("hparams");
  plugin.set_content(content);
  return Write(event.SerializeAsString());
}

Status EventFile::Write(std::string_view event) {
  waiting_ += Record(event);
  if (waiting_.size() < kWriteBytes) return absl::OkStatus();
  Status written = file_.Write(waiting_);
  waiting_.clear();
  return written;
}

Status EventFile::Keep() {
  RETURN_IF_ERROR(file_.Write(waiting_));
  waiting_.clear();
  return file_.Keep();
}

}  // namespace lorikeet::exporting
