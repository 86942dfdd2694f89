// The sweep file as a YAML document: what must hold before any key is looked at.
#pragma once

#include <optional>
#include <string>

#include "sweeps/spec/mistakes.h"
#include "sweeps/spec/reader.h"

namespace lorikeet::spec {

inline constexpr std::size_t kMostBytes = 1 << 20;  // of a sweep file; hostile input ends here

// The one document of `yaml`, a mapping; nothing (reported) where it is too long, not UTF-8, not YAML, empty,
// several documents or no mapping. Never throws. The value refers to `mistakes`.
std::optional<Value> LoadDocument(const std::string& yaml, Mistakes& mistakes);

}  // namespace lorikeet::spec
