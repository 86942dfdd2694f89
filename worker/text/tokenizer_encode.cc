#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "worker/text/tokenizer_impl.h"
#include "worker/text/word_ids.h"

namespace lorikeet::text {
namespace {

constexpr std::string_view kSpaceMark = "\u2581";  // SentencePiece's "▁"

// "i" "ii" and "ii" "i" add up to the same score. SentencePiece up to 0.2.0 lets rounding choose between
// them, later ones and Hugging Face's tokenizers put the shorter piece first: so does this, whatever the
// library's version.
void OrderTies(const SentencePieceModel& model, std::vector<int>& ids) {
  constexpr int kUnknown = static_cast<int>(Tokenizer::kUnknown);
  for (std::size_t end = 1; end < ids.size(); ++end) {
    for (std::size_t i = end; i > 0 && ids[i - 1] != kUnknown && ids[i] != kUnknown; --i) {
      const std::string &left = model.piece(ids[i - 1]), &right = model.piece(ids[i]);
      if (left.size() <= right.size() || left[0] != right[0] || left + right != right + left) break;
      std::swap(ids[i - 1], ids[i]);
    }
  }
}

// The special token written at the start of `text`, which begins with '<', and its length.
std::optional<std::pair<TokenId, std::size_t>> SpecialAt(const SentencePieceModel& model,
                                                         std::string_view text) {
  constexpr std::string_view kSentinelStart = "<extra_id_";
  for (const TokenId special : {Tokenizer::kPad, Tokenizer::kEnd, Tokenizer::kUnknown}) {
    const std::string& piece = model.piece(static_cast<int>(special));
    if (text.starts_with(piece)) return std::pair{special, piece.size()};
  }
  if (!text.starts_with(kSentinelStart)) return std::nullopt;
  const char* const digits = text.data() + kSentinelStart.size();
  const char* const end = text.data() + std::min(text.size(), kSentinelStart.size() + 2);
  int index = 0;
  const auto [after, error] = std::from_chars(digits, end, index);
  if (error != std::errc() || *digits == '-' || (*digits == '0' && after != digits + 1)) return std::nullopt;
  const auto length = static_cast<std::size_t>(after - text.data());
  if (length == text.size() || text[length] != '>') return std::nullopt;
  return std::pair{TokenId{model.size()} + Tokenizer::kSentinels - 1 - index, length + 1};
}

}  // namespace

Tokenizer::Encoder::Encoder(const Tokenizer& tokenizer)
    : tokenizer_(tokenizer), words_(std::make_unique<WordIds>()) {}
Tokenizer::Encoder::~Encoder() = default;

// Appends the ids of a text without special tokens; perhaps not all, where there are more than `most` tokens.
void Tokenizer::Encoder::EncodePart(std::string_view part, std::size_t most, std::vector<TokenId>& tokens) {
  const SentencePieceModel& model = *tokenizer_.impl_->model;
  const auto encode = [&](std::string_view text) -> std::span<const int> {
    ids_.clear();
    model.Encode(text, ids_);
    OrderTies(model, ids_);
    return ids_;
  };
  const auto append = [&](std::span<const int> ids) { tokens.insert(tokens.end(), ids.begin(), ids.end()); };
  if (!tokenizer_.impl_->by_words || part.find(kSpaceMark) != std::string_view::npos) {
    return append(encode(part));
  }
  while (!part.empty() && tokens.size() <= most) {
    const std::string_view word = part.substr(0, part.find(' '));
    part.remove_prefix(std::min(word.size() + 1, part.size()));
    if (WordIds::Keeps(word)) {
      append(words_->Get(word, encode));
    } else if (!word.empty()) {
      append(encode(word));
    }
  }
}

// Special tokens split the text; the parts between them are texts of their own, each with its leading space
// mark.
std::vector<TokenId> Tokenizer::Encoder::Encode(std::string_view text, std::int64_t max_tokens, bool* cut) {
  const auto room = static_cast<std::size_t>(std::max<std::int64_t>(max_tokens, 1)) - 1;
  std::vector<TokenId> tokens;
  std::size_t begin = 0;
  for (std::size_t at = text.find('<'); at != std::string_view::npos && tokens.size() <= room;
       at = text.find('<', at)) {
    const auto special = SpecialAt(*tokenizer_.impl_->model, text.substr(at));
    if (!special.has_value()) {
      ++at;
      continue;
    }
    EncodePart(text.substr(begin, at - begin), room, tokens);
    tokens.push_back(special->first);
    at += special->second;
    begin = at;
  }
  if (tokens.size() <= room) EncodePart(text.substr(begin), room, tokens);
  if (cut != nullptr) *cut = tokens.size() > room;
  if (tokens.size() > room) tokens.resize(room);
  tokens.push_back(kEnd);
  return tokens;
}

std::vector<TokenId> Tokenizer::Encode(const std::string& text, std::int64_t max_tokens, bool* cut) const {
  return Encoder(*this).Encode(text, max_tokens, cut);
}

}  // namespace lorikeet::text
