// `adapter: DIR` of an arm: a PEFT adapter that its trials start from, in place of a fresh one.
#pragma once

#include "sweeps/spec/sections.h"
#include "sweeps/spec/settings.h"

namespace lorikeet::spec {

// The key of a lora or prompt arm. It names its configurations even where it has one value: where they start
// is part of what they are. Without rules a value cannot be read, only shown.
Key AdapterKey(Method method, const PathRules* rules = nullptr);

// What the arm's own keys start from with an adapter: not given, so that the adapter's hold.
Setting UnsetForAdapter(Method method);

}  // namespace lorikeet::spec
