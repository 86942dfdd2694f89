// What a Tokenizer holds. Internal to worker/text.
#pragma once

#include <memory>
#include <string>

#include "worker/text/tokenizer.h"
#include "worker/text/tokenizer_sentencepiece.h"

namespace lorikeet::text {

struct Tokenizer::Impl {
  std::string path;
  std::unique_ptr<SentencePieceModel> model;
  bool by_words = false;  // a text's pieces are those of its words
};

}  // namespace lorikeet::text
