// The section `retry` of a sweep file: how often what fails is tried again, and after how long.
//
// Not thread-safe. What is wrong is reported, and the default stands for it.
#pragma once

#include "sweeps/spec/reader.h"
#include "sweeps/trial/retry.h"

namespace lorikeet::spec {

// Kinds that say nothing else than the rest of the section are left out of the policy.
RetryPolicy ReadRetry(const Value& value);

}  // namespace lorikeet::spec
