// The section `keep` of a sweep file: for how long what it leaves is kept after its end.
//
// Not thread-safe. What is wrong is reported, and the default stands for it.
#pragma once

#include "sweeps/spec/reader.h"
#include "sweeps/trial/keep.h"

namespace lorikeet::spec {

Keep ReadKeep(const Value& value);

}  // namespace lorikeet::spec
