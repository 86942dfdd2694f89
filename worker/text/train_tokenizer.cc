#include "worker/text/train_tokenizer.h"

#include <filesystem>
#include <fstream>
#include <system_error>
#include <unordered_map>

#include "common/files.h"
#include "worker/text/tokenizer_sentencepiece.h"

namespace lorikeet::text {

Status TrainTokenizer(const SentenceSource& sentences, const TokenizerTraining& training,
                      const std::string& directory) {
  if (training.pieces < 4)
    return InvalidArgument("a vocabulary of {} pieces: needs more than the 3 special ones", training.pieces);
  const std::unordered_map<std::string, std::string> flags = {
      {"model_type", "unigram"},
      {"vocab_size", std::to_string(training.pieces)},
      {"character_coverage", fmt::format("{}", training.character_coverage)},
      {"max_sentence_length", std::to_string(training.max_sentence_bytes)},
      {"normalization_rule_name", "nmt_nfkc"},
      {"byte_fallback", "false"},
      {"pad_id", "0"},
      {"eos_id", "1"},
      {"unk_id", "2"},
      {"bos_id", "-1"},
      {"pad_piece", "<pad>"},
      {"eos_piece", "</s>"},
      {"unk_piece", "<unk>"},
      {"num_threads", "1"},
      {"shuffle_input_sentence", "false"},
      {"minloglevel", "2"},  // errors come back as statuses
  };
  Status failed;
  const auto next = [&](std::string& sentence) {
    StatusOr<bool> more = sentences(sentence);
    if (!more.ok()) failed = more.status();
    return more.ok() && *more;
  };
  std::string model;
  const std::string problem = TrainSentencePiece(next, flags, &model);
  RETURN_IF_ERROR(failed);
  if (!problem.empty())
    return InvalidArgument("cannot train a tokenizer of {} pieces: {}", training.pieces, problem);

  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return Internal("{}: cannot make this directory: {}", directory, error.message());
  return WriteFileAtomically((std::filesystem::path(directory) / "spiece.model").string(), model);
}

Status TrainTokenizerOnFile(const std::string& path, const TokenizerTraining& training,
                            const std::string& directory) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return NotFound("{}: cannot be read", path);
  const auto next = [&](std::string& sentence) -> StatusOr<bool> {
    if (std::getline(file, sentence)) return true;
    if (file.bad()) return Internal("{}: reading broke off", path);
    return false;
  };
  return TrainTokenizer(next, training, directory);
}

}  // namespace lorikeet::text
