// Whether a SentencePiece model cuts a text into the same pieces word by word as at once.
#pragma once

#include <string>
#include <string_view>

namespace lorikeet::text {

// Of a model file's bytes: empty where the pieces of a text are those of its words (what stands between ASCII
// spaces), one after the other; else what forbids it. A text in which "▁" is written out is an exception that
// the caller sees to: a word's last one would be taken for space.
//
// What it takes:
// - The unigram model: a segmentation's score is a sum over pieces. No piece has a "▁" but at its start, so
// that
//   none spans two words; and "▁" itself is a piece, so that no run of unknown characters, which becomes one
//   unknown piece, spans them either.
// - The normaliser puts a space before the text, keeps one of several and none at the end; no rule of it
// takes
//   a space with other characters, none gives "▁" or several spaces, and there are no user-defined symbols,
//   which pass it by. Then each word is normalised to the same text alone as among others.
std::string WhyNotByWords(std::string_view model);

}  // namespace lorikeet::text
