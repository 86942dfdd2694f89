#include "worker/text/peft_pattern.h"

#include <re2/re2.h>

#include <cstddef>
#include <string_view>

namespace lorikeet::text {
namespace {

constexpr std::size_t kLongest = 4096;

RE2::Options Quiet() {
  RE2::Options options;
  options.set_log_errors(false);
  return options;
}

// In RE2's words: Python's \Z is \z there.
std::string Spelled(std::string_view pattern) {
  std::string spelled;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    spelled += pattern[i];
    if (pattern[i] != '\\' || i + 1 == pattern.size()) continue;
    ++i;
    spelled += pattern[i] == 'Z' ? 'z' : pattern[i];
  }
  return spelled;
}

}  // namespace

bool IsPeftPattern(const std::string& pattern) {
  // By itself: "a)|(b" would be an expression inside of a group, too.
  return pattern.size() <= kLongest && RE2(Spelled(pattern), Quiet()).ok();
}

bool MatchesModule(const std::string& pattern, const std::string& module) {
  if (!IsPeftPattern(pattern)) return false;
  const RE2 expression("(?:.*\\.)?(?:" + Spelled(pattern) + ")", Quiet());
  return expression.ok() && RE2::FullMatch(module, expression);
}

}  // namespace lorikeet::text
