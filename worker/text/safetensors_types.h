// Sizes of safetensors' types and tensors. Internal to worker/text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lorikeet::text {

// Bytes of one element of "F32", "BF16", …; nothing for a type that is not known.
std::optional<std::uint64_t> DtypeBytes(const std::string& dtype);

// Bytes of a whole tensor, 0 where a dimension is 0; nothing for an unknown type, a negative dimension or a
// product past 2^63 - 1.
std::optional<std::uint64_t> TensorBytes(const std::string& dtype, const std::vector<std::int64_t>& shape);

// "[2, 3]"
std::string ShapeText(const std::vector<std::int64_t>& shape);

}  // namespace lorikeet::text
