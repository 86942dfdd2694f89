// T5's tokenizer: SentencePiece's own library on spiece.model, with T5's sentinel tokens behind the pieces.
//
// Ids as Hugging Face's T5 gives them: pieces first, then 100 sentinels <extra_id_99> … <extra_id_0>
// (<extra_id_i> is pieces + 99 - i); pad 0, </s> 1, unknown 2. Thread-safe after Load.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"

namespace lorikeet::text {

using TokenId = std::int64_t;
class WordIds;

class Tokenizer {
 public:
  static constexpr TokenId kPad = 0, kEnd = 1, kUnknown = 2;
  static constexpr int kSentinels = 100;

  // Reads `directory`/spiece.model. A directory with tokenizer.json alone is refused, saying why; so is a
  // SentencePiece model whose pad, </s> or unknown are not T5's.
  static StatusOr<std::unique_ptr<Tokenizer>> Load(const std::string& directory);
  // The same for decoding alone, which is read faster; of what is refused, the special pieces only when it is
  // prepared to encode.
  static StatusOr<std::unique_ptr<Tokenizer>> Open(const std::string& directory);
  Status PrepareToEncode();
  ~Tokenizer();

  // SHA-256 of spiece.model.
  std::string Fingerprint() const;

  // Encodes text after text, with the words that it has met at hand. Not thread-safe: one a thread. Keeps
  // some 20 MB at most. A model that cannot be applied word by word (tokenizer_words.h) is applied to whole
  // texts.
  class Encoder {
   public:
    explicit Encoder(const Tokenizer& tokenizer);  // which outlives it
    ~Encoder();
    // Tokens of `text` and the closing </s>, at most `max_tokens` in all: a longer text keeps its first
    // max_tokens - 1 and </s>, as Hugging Face truncates. `cut` (optional) says whether anything was dropped.
    // Sentinels written in the text ("<extra_id_0>") become their ids.
    std::vector<TokenId> Encode(std::string_view text, std::int64_t max_tokens, bool* cut = nullptr);

   private:
    void EncodePart(std::string_view part, std::size_t most, std::vector<TokenId>& tokens);

    const Tokenizer& tokenizer_;
    std::unique_ptr<WordIds> words_;
    std::vector<int> ids_;
  };

  // One text, by an Encoder of its own.
  std::vector<TokenId> Encode(const std::string& text, std::int64_t max_tokens, bool* cut = nullptr) const;

  // As decode(skip_special_tokens=True): pad, </s>, the unknown piece and sentinels are dropped; ids past the
  // pieces too.
  std::string Decode(std::span<const TokenId> tokens) const;

  std::int64_t pieces() const;  // without sentinels
  // Ids that Encode may give are below this; a model with a smaller vocabulary does not fit.
  std::int64_t vocabulary_size() const { return pieces() + kSentinels; }
  TokenId Sentinel(int index) const { return pieces() + kSentinels - 1 - index; }

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lorikeet::text
