// Reading the fields of a protobuf message without protobuf (LibTorch's own symbols of it forbid linking it).
// Source: protobuf.dev/programming-guides/encoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lorikeet::text {

struct ProtobufField {
  std::uint64_t number = 0;
  std::uint64_t value = 0;  // of a varint or a fixed-width field
  std::string_view bytes;   // of a field with a length; a view into the message
  bool has_length = false;
};

// Goes through one message, field by field.
class ProtobufFields {
 public:
  explicit ProtobufFields(std::string_view message) : rest_(message) {}

  // False at the end, and for what is no protobuf: broken() tells which.
  bool Next(ProtobufField& field) {
    if (rest_.empty() || broken_) return false;
    std::uint64_t tag = 0;
    field = {};
    broken_ = !Varint(tag);
    field.number = tag >> 3;
    switch (tag & 7) {
      case 0:
        broken_ = broken_ || !Varint(field.value);
        break;
      case 1:
        broken_ = broken_ || !Fixed(8, field.value);
        break;
      case 2: {
        std::uint64_t length = 0;
        broken_ = broken_ || !Varint(length) || length > rest_.size();
        if (broken_) break;
        field.bytes = rest_.substr(0, length);
        field.has_length = true;
        rest_.remove_prefix(length);
        break;
      }
      case 5:
        broken_ = broken_ || !Fixed(4, field.value);
        break;
      default:
        broken_ = true;
    }
    return !broken_;
  }
  bool broken() const { return broken_; }

 private:
  bool Varint(std::uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if ((byte & 0x80) == 0) return true;
    }
    return false;
  }
  bool Fixed(std::size_t bytes, std::uint64_t& value) {
    if (rest_.size() < bytes) return false;
    for (std::size_t i = 0; i < bytes; ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(rest_[i])} << (8 * i);
    }
    rest_.remove_prefix(bytes);
    return true;
  }

  std::string_view rest_;
  bool broken_ = false;
};

}  // namespace lorikeet::text
