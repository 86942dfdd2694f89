#include "worker/text/tokenizer.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "common/files.h"
#include "worker/files/fingerprint.h"
#include "worker/text/tokenizer_impl.h"
#include "worker/text/tokenizer_words.h"

namespace lorikeet::text {
namespace {

constexpr std::string_view kSpaceMark = "\u2581";  // SentencePiece's "▁"

}  // namespace

StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::Load(const std::string& directory) {
  ASSIGN_OR_RETURN(std::unique_ptr<Tokenizer> tokenizer, Open(directory));
  RETURN_IF_ERROR(tokenizer->PrepareToEncode());
  return tokenizer;
}

StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::Open(const std::string& directory) {
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
  ASSIGN_OR_RETURN(std::string bytes, ReadFile(path.string()));
  auto impl = std::make_unique<Impl>();
  std::string problem;
  impl->path = path.string();
  impl->model = SentencePieceModel::Parse(std::move(bytes), &problem);
  if (impl->model == nullptr) return InvalidArgument("{}: {}", path.string(), problem);
  return std::unique_ptr<Tokenizer>(new Tokenizer(std::move(impl)));
}

Status Tokenizer::PrepareToEncode() {
  SentencePieceModel& model = *impl_->model;
  std::string problem;
  if (!model.LoadLibrary(&problem)) return InvalidArgument("{}: {}", impl_->path, problem);
  if (model.pad() != kPad || model.end() != kEnd || model.unknown() != kUnknown) {
    return InvalidArgument(
        "{}: not a T5 tokenizer: its <pad>, </s> and unknown piece are {}, {} and {} (-1: it has none), T5's "
        "are 0, 1 and 2",
        impl_->path, model.pad(), model.end(), model.unknown());
  }
  impl_->by_words = WhyNotByWords(model.bytes()).empty();
  return absl::OkStatus();
}

std::string Tokenizer::Fingerprint() const {
  files::Fingerprint fingerprint;
  fingerprint.Add(impl_->model->bytes());
  return fingerprint.Hex();
}

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;

std::int64_t Tokenizer::pieces() const { return impl_->model->size(); }

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
