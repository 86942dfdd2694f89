// SentencePiece behind plain types. Its headers and abseil's define absl::string_view differently, so that no
// file can include both: this one and its .cc know nothing of absl, and errors are sentences, empty where all
// went well.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lorikeet::text {

// A model. Thread-safe once the library is loaded.
class SentencePieceModel {
 public:
  // From a model file's bytes: its pieces, which are read without the library, whose loading takes 50 ms for
  // 32,000 of them. Null with `error` set where the bytes are no whole model.
  static std::unique_ptr<SentencePieceModel> Parse(std::string bytes, std::string* error);
  ~SentencePieceModel();

  // What all but size(), piece() and bytes() need; false with `error` set where SentencePiece refuses the
  // model.
  bool LoadLibrary(std::string* error);

  // Appends the ids of `text`.
  void Encode(std::string_view text, std::vector<int>& ids) const;

  int size() const { return static_cast<int>(pieces_.size()); }
  const std::string& piece(int id) const { return pieces_[static_cast<std::size_t>(id)]; }  // below size()
  const std::string& bytes() const { return bytes_; }
  // The ids of the special pieces; -1 for one that the model lacks.
  int pad() const { return pad_; }
  int end() const { return end_; }
  int unknown() const { return unknown_; }

 private:
  struct Impl;
  SentencePieceModel() = default;
  std::string bytes_;
  std::vector<std::string> pieces_;
  std::unique_ptr<Impl> impl_;
  int pad_ = -1, end_ = -1, unknown_ = -1;
};

// Trains a model on the sentences that `next` gives (false: no more) with the trainer's own flags, and puts
// its bytes into `model`. Returns what went wrong. Not thread-safe: the trainer's random generator is the
// process's.
std::string TrainSentencePiece(const std::function<bool(std::string& sentence)>& next,
                               const std::unordered_map<std::string, std::string>& flags, std::string* model);

}  // namespace lorikeet::text
