#include "worker/text/tokenizer_sentencepiece.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <cstdint>
#include <exception>
#include <utility>

#include "worker/text/protobuf_fields.h"

namespace lorikeet::text {
namespace {

// The text of a piece, field 1 of its message; empty for what is none.
std::string PieceText(std::string_view message) {
  std::string text;
  ProtobufField field;
  for (ProtobufFields fields(message); fields.Next(field);) {
    if (field.number == 1) text = field.bytes;
  }
  return text;
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

SentencePieceModel::~SentencePieceModel() = default;

// A model is a row of messages: pieces (field 1), then the trainer's settings (2), then the normaliser's (3).
// Protobuf takes a file that was cut between two messages for whole, so the presence of the last one is asked
// for here.
std::unique_ptr<SentencePieceModel> SentencePieceModel::Parse(std::string bytes, std::string* error) {
  constexpr std::uint64_t kPieces = 1, kNormalizer = 3;
  std::unique_ptr<SentencePieceModel> model(new SentencePieceModel());
  bool normalizer = false, messages = true;
  ProtobufField field;
  ProtobufFields fields(bytes);
  while (messages && fields.Next(field)) {
    messages = field.has_length;
    if (field.number == kPieces) model->pieces_.push_back(PieceText(field.bytes));
    normalizer |= field.number == kNormalizer;
  }
  if (!messages || fields.broken() || model->pieces_.empty() || !normalizer) {
    *error = "not a whole SentencePiece model (truncated, or another kind of file)";
    return nullptr;
  }
  model->bytes_ = std::move(bytes);
  return model;
}

bool SentencePieceModel::LoadLibrary(std::string* error) {
  try {
    auto impl = std::make_unique<Impl>();
    sentencepiece::SentencePieceProcessor& processor = impl->processor;
    if (const auto status = processor.LoadFromSerializedProto(bytes_); !status.ok()) {
      *error = "SentencePiece cannot load it: " + std::string(status.message());
      return false;
    }
    pad_ = processor.pad_id();
    end_ = processor.eos_id();
    unknown_ = processor.unk_id();
    impl_ = std::move(impl);
    return true;
  } catch (const std::exception& exception) {
    *error = "SentencePiece cannot load it: " + std::string(exception.what());
    return false;
  }
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
