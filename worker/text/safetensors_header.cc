#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "common/json.h"
#include "worker/text/safetensors.h"
#include "worker/text/safetensors_types.h"

namespace lorikeet::text {
namespace {

using Json = nlohmann::json;

std::optional<std::uint64_t> Unsigned(const Json& value) {
  if (!value.is_number_unsigned()) return std::nullopt;
  return value.get<std::uint64_t>();
}

StatusOr<TensorEntry> ParseEntry(const Json& value, std::uint64_t data_bytes) {
  if (!value.is_object()) return InvalidArgument("is {}, must be an object", JsonKind(value));
  const auto dtype = value.find("dtype"), shape = value.find("shape"), offsets = value.find("data_offsets");
  if (dtype == value.end() || shape == value.end() || offsets == value.end() || value.size() != 3) {
    return InvalidArgument("must have the keys dtype, shape and data_offsets, and no other");
  }
  TensorEntry entry;
  if (!dtype->is_string()) return InvalidArgument("dtype is {}, must be a string", JsonKind(*dtype));
  entry.dtype = dtype->get<std::string>();
  if (!DtypeBytes(entry.dtype)) return InvalidArgument("unknown dtype '{}'", Utf8Prefix(entry.dtype, 40));
  if (!shape->is_array()) return InvalidArgument("shape is {}, must be a list", JsonKind(*shape));
  for (const Json& item : *shape) {
    const auto size = Unsigned(item);
    if (!size || *size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return InvalidArgument("a size in its shape is no whole number from 0 to 2^63 - 1");
    }
    entry.shape.push_back(static_cast<std::int64_t>(*size));
  }
  if (!offsets->is_array() || offsets->size() != 2 || !Unsigned((*offsets)[0]) || !Unsigned((*offsets)[1])) {
    return InvalidArgument("data_offsets must be a list of two whole numbers");
  }
  entry.begin = (*offsets)[0].get<std::uint64_t>();
  entry.end = (*offsets)[1].get<std::uint64_t>();
  if (entry.begin > entry.end)
    return InvalidArgument("ends at byte {} before it begins at {}", entry.end, entry.begin);
  if (entry.end > data_bytes) {
    return InvalidArgument("ends at byte {} of data, the file has {}; is the file whole?", entry.end,
                           data_bytes);
  }
  const auto needed = TensorBytes(entry.dtype, entry.shape);
  if (!needed || *needed != entry.end - entry.begin) {
    return InvalidArgument("{} {} takes {} bytes, data_offsets give it {}", entry.dtype,
                           ShapeText(entry.shape), needed ? std::to_string(*needed) : "more than 2^63",
                           entry.end - entry.begin);
  }
  return entry;
}

// The tensors must lie side by side: nothing hidden between them, nothing shared.
Status CheckLayout(const std::map<std::string, TensorEntry>& tensors, std::uint64_t data_bytes) {
  std::vector<std::pair<const std::string*, const TensorEntry*>> order;
  order.reserve(tensors.size());
  for (const auto& [name, entry] : tensors) order.emplace_back(&name, &entry);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second->begin, a.second->end) < std::pair(b.second->begin, b.second->end);
  });
  std::uint64_t reached = 0;
  for (const auto& [name, entry] : order) {
    if (entry->begin < reached) return InvalidArgument("tensor '{}': overlaps the one before it", *name);
    if (entry->begin > reached) {
      return InvalidArgument("tensor '{}': begins at byte {}, the one before it ends at {}: a hole", *name,
                             entry->begin, reached);
    }
    reached = entry->end;
  }
  if (reached != data_bytes) {
    return InvalidArgument("{} bytes of data, its tensors take {}", data_bytes, reached);
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<std::uint64_t> DtypeBytes(const std::string& dtype) {
  static constexpr std::pair<const char*, std::uint64_t> kSizes[] = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2},
      {"BF16", 2}, {"I32", 4}, {"U32", 4}, {"F32", 4},     {"F64", 8},     {"I64", 8}, {"U64", 8}};
  for (const auto& [name, size] : kSizes) {
    if (dtype == name) return size;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> TensorBytes(const std::string& dtype, const std::vector<std::int64_t>& shape) {
  const auto size = DtypeBytes(dtype);
  if (!size) return std::nullopt;
  std::uint64_t bytes = *size;
  for (const std::int64_t dimension : shape) {
    if (dimension < 0) return std::nullopt;
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(dimension), &bytes)) return std::nullopt;
  }
  if (bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return bytes;
}

std::string ShapeText(const std::vector<std::int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

StatusOr<std::map<std::string, TensorEntry>> ParseSafetensorsHeader(
    const std::string& header, std::uint64_t data_bytes, std::map<std::string, std::string>* metadata) {
  const auto object = ParseJson(header);
  if (!object.ok()) return Annotate(object.status(), "header");
  if (!object->is_object()) return InvalidArgument("header: is {}, must be an object", JsonKind(*object));
  std::map<std::string, TensorEntry> tensors;
  for (const auto& [name, value] : object->items()) {
    if (name == "__metadata__") {
      if (!value.is_object())
        return InvalidArgument("__metadata__ is {}, must be an object", JsonKind(value));
      for (const auto& [key, text] : value.items()) {
        if (!text.is_string())
          return InvalidArgument("__metadata__: '{}' is {}, must be a string", key, JsonKind(text));
        if (metadata != nullptr) (*metadata)[key] = text.get<std::string>();
      }
      continue;
    }
    const auto entry = ParseEntry(value, data_bytes);
    if (!entry.ok()) return Annotate(entry.status(), fmt::format("tensor '{}'", name));
    tensors.emplace(name, *entry);
  }
  RETURN_IF_ERROR(CheckLayout(tensors, data_bytes));
  return tensors;
}

}  // namespace lorikeet::text
