// The declarations of the file's sections, each beside those that it is read with: keys_*.cc for what is read
// key by key, settings.cc and arm_settings.cc for what arms may vary.
//
// Immutable; thread-safe.
#pragma once

#include <array>

#include "sweeps/spec/declared.h"
#include "sweeps/trial/trial.h"

namespace lorikeet::spec {

// In the reference's order, which is that of the enumeration.
inline constexpr std::array<Method, 5> kMethods = {Method::kFull, Method::kLora, Method::kPrompt,
                                                   Method::kZeroShot, Method::kLead};

const Keys& FileKeys();  // the whole file
const Keys& DataKeys();
const Keys& ValidationKeys();  // data.validation as a mapping
const Keys& FieldKeys();
const Keys& LimitKeys();
const Keys& TrainSectionKeys();
const Keys& OptimizerMappingKeys();
const Keys& EvaluateKeys();
const Keys& ArmsKeys();
// An arm's own keys, without those of `train`.
const Keys& OwnKeys(Method method);
const Keys& TuneKeys();
const Keys& ResourceKeys();
const Keys& RetryKeys();
const Keys& KindsKeys();  // retry.kinds
const Keys& KindKeys();   // one of them
const Keys& KeepKeys();

}  // namespace lorikeet::spec
