// Splitting text into sentences: for ROUGE-Lsum (a line each) and for the `lead` reference.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lorikeet::text {

// The one documented rule (docs/rouge.md): a line break ends a sentence; so do . ! ? (with closing quotes and
// brackets) before white space, unless the word before the stop is a known abbreviation or a single letter,
// and, for a cased text, unless the next word starts in lower case.
// Sentences come without white space around them, none empty, otherwise byte for byte as in the text.
// Thread-safe; any bytes will do.
std::vector<std::string> SplitSentences(std::string_view text);

// "auto": SplitSentences joined by newlines; "newline": the text as it is. Nothing else is given here: the
// sweep file's check sees to it; another word counts as "auto".
std::string SentencePerLine(std::string_view text, const std::string& sentence_split);

}  // namespace lorikeet::text
