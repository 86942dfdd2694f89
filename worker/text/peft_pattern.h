// The regular expressions of PEFT's rank_pattern and alpha_pattern, which are Python's. Internal to
// worker/text.
//
// RE2 runs them: in time linear in the name, whatever the expression, which comes with an adapter from
// elsewhere.
#pragma once

#include <string>

namespace lorikeet::text {

// Whether the expression is one that can be run: nothing that looks ahead or behind, no references to groups,
// at most 4096 bytes.
bool IsPeftPattern(const std::string& pattern);

// As PEFT's get_pattern_key: whether the module's name, or its end after a dot, is what the expression
// matches. False for an expression that cannot be run.
bool MatchesModule(const std::string& pattern, const std::string& module);

}  // namespace lorikeet::text
