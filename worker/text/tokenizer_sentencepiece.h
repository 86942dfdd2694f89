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

// A loaded model. Thread-safe.
class SentencePieceModel {
 public:
  // From a model file's bytes; null with `error` set where they are no whole model.
  static std::unique_ptr<SentencePieceModel> Parse(std::string_view bytes, std::string* error);
  ~SentencePieceModel();

  // Appends the ids of `text`.
  void Encode(std::string_view text, std::vector<int>& ids) const;

  int size() const { return static_cast<int>(pieces_.size()); }
  const std::string& piece(int id) const { return pieces_[static_cast<std::size_t>(id)]; }  // below size()
  // The ids of the special pieces; -1 for one that the model lacks.
  int pad() const { return pad_; }
  int end() const { return end_; }
  int unknown() const { return unknown_; }

 private:
  struct Impl;
  SentencePieceModel();
  std::unique_ptr<Impl> impl_;
  std::vector<std::string> pieces_;
  int pad_ = -1, end_ = -1, unknown_ = -1;
};

// Trains a model on the sentences that `next` gives (false: no more) with the trainer's own flags, and puts
// its bytes into `model`. Returns what went wrong. Not thread-safe: the trainer's random generator is the
// process's.
std::string TrainSentencePiece(const std::function<bool(std::string& sentence)>& next,
                               const std::unordered_map<std::string, std::string>& flags, std::string* model);

}  // namespace lorikeet::text
