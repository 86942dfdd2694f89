// The Porter stemmer in the flavour that rouge_score uses: NLTK's, with its extensions and its irregular
// forms. Sources: Porter, "An algorithm for suffix stripping", Program 14(3), 1980; nltk.stem.porter, mode
// NLTK_EXTENSIONS.
#pragma once

#include <string>

namespace lorikeet::text {

// The stem of a word of [a-z0-9], at least three characters long. Thread-safe; linear in the word's length.
std::string PorterStem(std::string word);

}  // namespace lorikeet::text
