#include "worker/text/tokenizer.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "common/files.h"
#include "worker/text/tokenizer_sentencepiece.h"

namespace lorikeet::text {
namespace {

constexpr std::string_view kSpaceMark = "\u2581";  // SentencePiece's "▁"

}  // namespace

struct Tokenizer::Impl {
  std::unique_ptr<SentencePieceModel> model;

  // "i" "ii" and "ii" "i" add up to the same score. SentencePiece up to 0.2.0 lets rounding choose between
  // them, later ones and Hugging Face's tokenizers put the shorter piece first: so does this, whatever the
  // library's version.
  void OrderTies(std::vector<int>& ids) const {
    for (std::size_t end = 1; end < ids.size(); ++end) {
      for (std::size_t i = end; i > 0 && ids[i - 1] != kUnknown && ids[i] != kUnknown; --i) {
        const std::string &left = model->piece(ids[i - 1]), &right = model->piece(ids[i]);
        if (left.size() <= right.size() || left[0] != right[0] || left + right != right + left) break;
        std::swap(ids[i - 1], ids[i]);
      }
    }
  }

  // The special token written at the start of `text`, which begins with '<', and its length.
  std::optional<std::pair<TokenId, std::size_t>> SpecialAt(std::string_view text) const {
    constexpr std::string_view kSentinelStart = "<extra_id_";
    for (const TokenId special : {kPad, kEnd, kUnknown}) {
      const std::string& piece = model->piece(static_cast<int>(special));
      if (text.starts_with(piece)) return std::pair{special, piece.size()};
    }
    if (!text.starts_with(kSentinelStart)) return std::nullopt;
    const char* const digits = text.data() + kSentinelStart.size();
    const char* const end = text.data() + std::min(text.size(), kSentinelStart.size() + 2);
    int index = 0;
    const auto [after, error] = std::from_chars(digits, end, index);
    if (error != std::errc() || *digits == '-' || (*digits == '0' && after != digits + 1))
      return std::nullopt;
    const auto length = static_cast<std::size_t>(after - text.data());
    if (length == text.size() || text[length] != '>') return std::nullopt;
    return std::pair{TokenId{model->size()} + kSentinels - 1 - index, length + 1};
  }
};

StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::Load(const std::string& directory) {
  namespace fs = std::filesystem;
  const fs::path path = fs::path(directory) / "spiece.model";
  std::error_code error;
  if (!fs::exists(path, error)) {
    if (!fs::exists(directory, error)) return NotFound("{}: no such model directory", directory);
    if (fs::exists(fs::path(directory) / "tokenizer.json", error)) {
      return InvalidArgument(
          "{}: has tokenizer.json but no spiece.model; tokens are made by SentencePiece from spiece.model "
          "alone, "
          "which T5's repositories hold beside tokenizer.json: fetch it too",
          directory);
    }
    return NotFound("{}: no spiece.model there; a T5 directory needs one", directory);
  }
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path.string()));
  auto impl = std::make_unique<Impl>();
  std::string problem;
  impl->model = SentencePieceModel::Parse(bytes, &problem);
  if (impl->model == nullptr) return InvalidArgument("{}: {}", path.string(), problem);
  const SentencePieceModel& model = *impl->model;
  if (model.pad() != kPad || model.end() != kEnd || model.unknown() != kUnknown) {
    return InvalidArgument(
        "{}: not a T5 tokenizer: its <pad>, </s> and unknown piece are {}, {} and {} (-1: it has none), T5's "
        "are 0, 1 and 2",
        path.string(), model.pad(), model.end(), model.unknown());
  }
  return std::unique_ptr<Tokenizer>(new Tokenizer(std::move(impl)));
}

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;

std::int64_t Tokenizer::pieces() const { return impl_->model->size(); }

std::vector<TokenId> Tokenizer::Encode(const std::string& text, std::int64_t max_tokens, bool* cut) const {
  // Special tokens split the text; the parts between them are texts of their own, each with its leading space
  // mark.
  std::vector<TokenId> tokens;
  std::vector<int> ids;
  const auto encode_part = [&](std::string_view part) {
    ids.clear();
    impl_->model->Encode(part, ids);
    impl_->OrderTies(ids);
    tokens.insert(tokens.end(), ids.begin(), ids.end());
  };
  const std::string_view all = text;
  std::size_t begin = 0;
  for (std::size_t at = all.find('<'); at != std::string_view::npos; at = all.find('<', at)) {
    const auto special = impl_->SpecialAt(all.substr(at));
    if (!special.has_value()) {
      ++at;
      continue;
    }
    encode_part(all.substr(begin, at - begin));
    tokens.push_back(special->first);
    at += special->second;
    begin = at;
  }
  encode_part(all.substr(begin));

  const auto room = static_cast<std::size_t>(std::max<std::int64_t>(max_tokens, 1)) - 1;
  if (cut != nullptr) *cut = tokens.size() > room;
  if (tokens.size() > room) tokens.resize(room);
  tokens.push_back(kEnd);
  return tokens;
}

std::string Tokenizer::Decode(std::span<const TokenId> tokens) const {
  std::string text;
  bool first = true;
  for (const TokenId token : tokens) {
    if (token <= kUnknown || token >= pieces()) continue;
    std::string_view piece = impl_->model->piece(static_cast<int>(token));
    while (!piece.empty()) {
      if (!piece.starts_with(kSpaceMark)) {
        const std::size_t next = piece.find(kSpaceMark);
        text += piece.substr(0, next);
        piece.remove_prefix(std::min(next, piece.size()));
        continue;
      }
      if (!first) text += ' ';
      piece.remove_prefix(kSpaceMark.size());
    }
    first = false;
  }
  return text;
}

}  // namespace lorikeet::text
