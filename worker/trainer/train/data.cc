#include "worker/trainer/train/data.h"

#include <algorithm>
#include <cmath>

#include "worker/files/fingerprint.h"
#include "worker/trainer/kernels/parallel.h"
#include "worker/trainer/train/permutation.h"

namespace lorikeet::trainer {
namespace {

StatusOr<text::Documents> ReadSplit(const DataSettings& settings, const std::string& name,
                                    const std::string& path, const std::optional<std::int64_t>& limit,
                                    TrialData& data) {
  text::ReadOptions options;
  options.format = settings.format;
  options.source_field = settings.source_field;
  options.target_field = settings.target_field;
  options.id_field = settings.id_field;
  options.limit = limit;
  auto read = text::ReadDocuments(path, options);
  RETURN_IF_ERROR(read.status());
  if (read->empty > 0) {
    data.empty_documents += read->empty;
    data.warnings.push_back(
        fmt::format("{}: {} documents of {} have an empty article or abstract and are left out", path,
                    read->empty, name));
  }
  if (read->documents.empty())
    return InvalidArgument("{}: no document with an article and an abstract", path);
  return read;
}

// Which documents are held out depends on their number alone, so that all trials validate on the same ones.
Status HoldOut(const DataSettings& settings, TrialData& data) {
  auto& train = data.train.documents;
  const auto count = static_cast<std::int64_t>(train.size());
  const auto held =
      std::max<std::int64_t>(1, std::llround(settings.validation_from_train * static_cast<double>(count)));
  if (held >= count) {
    return InvalidArgument("{}: {} documents are too few to hold out a share of {} for validation",
                           settings.train, count, settings.validation_from_train);
  }
  constexpr std::uint64_t kHoldOutSeed = 0x686f6c646f7574;
  std::vector<bool> is_held(train.size(), false);
  const auto order = Permutation(count, kHoldOutSeed, 0);
  for (std::int64_t i = 0; i < held; ++i)
    is_held[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] = true;
  std::vector<text::Document> kept;
  for (std::size_t i = 0; i < train.size(); ++i) {
    (is_held[i] ? data.validation.documents : kept).push_back(std::move(train[i]));
  }
  train = std::move(kept);
  if (settings.limit_validation && held > *settings.limit_validation) {
    data.validation.documents.resize(static_cast<std::size_t>(*settings.limit_validation));
  }
  return absl::OkStatus();
}

std::string FingerprintOf(const TrialData& data) {
  files::Fingerprint fingerprint;
  for (const Split* split : {&data.train, &data.validation, &data.test}) {
    fingerprint.Add(std::to_string(split->documents.size()));
    for (const text::Document& document : split->documents) {
      fingerprint.Add(document.id);
      fingerprint.Add(document.source);
      fingerprint.Add(document.target);
    }
  }
  return fingerprint.Hex();
}

}  // namespace

StatusOr<TrialData> ReadTrialData(const DataSettings& settings) {
  TrialData data;
  if (!settings.train.empty()) {  // what does not train may come without
    auto train = ReadSplit(settings, "train", settings.train, settings.limit_train, data);
    RETURN_IF_ERROR(train.status());
    data.train.documents = std::move(train->documents);
  }
  if (settings.validation.empty()) {
    RETURN_IF_ERROR(HoldOut(settings, data));
  } else {
    auto validation = ReadSplit(settings, "validation", settings.validation, settings.limit_validation, data);
    RETURN_IF_ERROR(validation.status());
    data.validation.documents = std::move(validation->documents);
  }
  auto test = ReadSplit(settings, "test", settings.test, settings.limit_test, data);
  RETURN_IF_ERROR(test.status());
  data.test.documents = std::move(test->documents);
  data.fingerprint = FingerprintOf(data);
  return data;
}

void Tokenize(const DataSettings& settings, const text::Tokenizer& tokenizer, Split& split) {
  split.examples.resize(split.documents.size());
  ParallelFor(
      0, static_cast<std::int64_t>(split.documents.size()), 8, [&](std::int64_t begin, std::int64_t end) {
        text::Tokenizer::Encoder encoder(tokenizer);
        std::string source;
        for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
          const text::Document& document = split.documents[i];
          Example& example = split.examples[i];
          source = settings.source_prefix;
          source += document.source;
          example.source = encoder.Encode(source, settings.max_source_tokens, &example.source_cut);
          example.target = encoder.Encode(document.target, settings.max_target_tokens, &example.target_cut);
        }
      });
}

}  // namespace lorikeet::trainer
