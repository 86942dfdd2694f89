// Which of the known words a misspelt one was probably meant to be: for messages that name a mistake.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lorikeet {

// The candidate with the fewest edits to `word` (insertions, deletions, substitutions and swaps of
// neighbours, case ignored), the first of equals. Nothing where even the best is too far to be a slip: more
// than a third of the longer one's characters, and more than one edit. Bytes are compared; thread-safe.
std::optional<std::string> Nearest(std::string_view word, std::span<const std::string> candidates);

// "; did you mean 'rank'?", or nothing where no candidate is near: what to put behind "unknown key".
std::string DidYouMean(std::string_view word, std::span<const std::string> candidates);

}  // namespace lorikeet
