// A sweep's fingerprint: whether two files ask for the same work.
#pragma once

#include <string>

#include "sweeps/spec/spec.h"

namespace lorikeet::spec {

// SHA-256, 64 hexadecimal characters, of every configuration's settings, the seeds, the baseline and the
// retries. Comments, layout, the order of keys, arms, axes and seeds, and how a number is written do not
// change it; names and notes follow from the rest and are left out. Needs the sweep whole but for `text` and
// `fingerprint`. Thread-safe.
std::string FingerprintOf(const Sweep& sweep);

}  // namespace lorikeet::spec
