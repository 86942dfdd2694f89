#include "worker/text/tokenizer_sentencepiece.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <cstdint>
#include <exception>

namespace lorikeet::text {
namespace {

// Reads a protobuf varint at `at`; false past the end.
bool ReadVarint(std::string_view bytes, std::size_t& at, std::uint64_t& value) {
  value = 0;
  for (int shift = 0; shift < 64 && at < bytes.size(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    value |= std::uint64_t{byte & 0x7Fu} << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

// A model is a row of messages: pieces (field 1), then the trainer's settings (2), then the normaliser's (3).
// Protobuf takes a file that was cut between two messages for whole, so the presence of the last one is asked
// for here.
bool HasPiecesAndNormalizer(std::string_view bytes) {
  constexpr std::uint64_t kPieces = 1, kNormalizer = 3, kLengthDelimited = 2;
  bool pieces = false, normalizer = false;
  std::size_t at = 0;
  while (at < bytes.size()) {
    std::uint64_t tag = 0, length = 0;
    if (!ReadVarint(bytes, at, tag) || (tag & 7) != kLengthDelimited) return false;
    if (!ReadVarint(bytes, at, length) || length > bytes.size() - at) return false;
    pieces |= tag >> 3 == kPieces;
    normalizer |= tag >> 3 == kNormalizer;
    at += length;
  }
  return pieces && normalizer;
}

class Sentences : public sentencepiece::SentenceIterator {
 public:
  explicit Sentences(const std::function<bool(std::string&)>& next) : next_(next) { done_ = !next_(value_); }
  bool done() const override { return done_; }
  void Next() override { done_ = !next_(value_); }
  const std::string& value() const override { return value_; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::function<bool(std::string&)>& next_;
  std::string value_;
  bool done_ = false;
};

}  // namespace

struct SentencePieceModel::Impl {
  sentencepiece::SentencePieceProcessor processor;
};

SentencePieceModel::SentencePieceModel() : impl_(std::make_unique<Impl>()) {}
SentencePieceModel::~SentencePieceModel() = default;

std::unique_ptr<SentencePieceModel> SentencePieceModel::Parse(std::string_view bytes, std::string* error) {
  if (!HasPiecesAndNormalizer(bytes)) {
    *error = "not a whole SentencePiece model (truncated, or another kind of file)";
    return nullptr;
  }
  std::unique_ptr<SentencePieceModel> model(new SentencePieceModel());
  sentencepiece::SentencePieceProcessor& processor = model->impl_->processor;
  try {
    if (const auto status = processor.LoadFromSerializedProto(bytes); !status.ok()) {
      *error = "SentencePiece cannot load it: " + std::string(status.message());
      return nullptr;
    }
    for (int id = 0; id < processor.GetPieceSize(); ++id) model->pieces_.push_back(processor.IdToPiece(id));
    model->pad_ = processor.pad_id();
    model->end_ = processor.eos_id();
    model->unknown_ = processor.unk_id();
  } catch (const std::exception& exception) {
    *error = "SentencePiece cannot load it: " + std::string(exception.what());
    return nullptr;
  }
  return model;
}

void SentencePieceModel::Encode(std::string_view text, std::vector<int>& ids) const {
  std::vector<int> more;
  if (impl_->processor.Encode(text, &more).ok()) ids.insert(ids.end(), more.begin(), more.end());
}

std::string TrainSentencePiece(const std::function<bool(std::string& sentence)>& next,
                               const std::unordered_map<std::string, std::string>& flags,
                               std::string* model) {
  try {
    sentencepiece::SetRandomGeneratorSeed(0);
    Sentences sentences(next);
    if (sentences.done()) return "there is no sentence to train on";
    const auto status = sentencepiece::SentencePieceTrainer::Train(flags, &sentences, model);
    return status.ok() ? std::string() : std::string(status.message());
  } catch (const std::exception& exception) {
    return exception.what();
  }
}

}  // namespace lorikeet::text
