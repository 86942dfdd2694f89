// The file's `tune`: axes of arms that make no rows, since one of their values is chosen.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "sweeps/spec/arms.h"
#include "sweeps/spec/reader.h"
#include "sweeps/trial/tune.h"

namespace lorikeet::spec {

// Reads `tune`, and marks the axes of training arms that it names. `seeds` are the sweep's own.
TuneSettings ReadTune(const Value& value, const std::vector<std::int64_t>& seeds, std::vector<Arm>& arms);

}  // namespace lorikeet::spec
