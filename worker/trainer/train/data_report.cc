#include "worker/trainer/train/data_report.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "worker/trainer/kernels/parallel.h"
#include "worker/trainer/train/data.h"

namespace lorikeet::trainer {
namespace {

constexpr std::int64_t kAtATime = 512;  // documents, between two words of how far it is
constexpr std::int64_t kUncut = std::numeric_limits<std::int64_t>::max();

struct Counts {
  std::vector<std::int64_t> source, target;  // tokens with </s>, uncut, in document order
  std::vector<std::int64_t> unknown;         // of both together

  double UnknownShare() const {
    const auto sum = [](const std::vector<std::int64_t>& of) {
      return std::accumulate(of.begin(), of.end(), std::int64_t{0});
    };
    const std::int64_t tokens = sum(source) + sum(target);
    return tokens > 0 ? static_cast<double>(sum(unknown)) / static_cast<double>(tokens) : 0;
  }
};

Counts CountTokens(const DataSettings& settings, const text::Tokenizer& tokenizer,
                   const std::vector<text::Document>& documents,
                   const std::function<void(std::int64_t)>& more) {
  Counts counts;
  counts.source.resize(documents.size());
  counts.target.resize(documents.size());
  counts.unknown.resize(documents.size());
  const auto all = static_cast<std::int64_t>(documents.size());
  for (std::int64_t first = 0; first < all; first += kAtATime) {
    const std::int64_t last = std::min(first + kAtATime, all);
    ParallelFor(first, last, 8, [&](std::int64_t begin, std::int64_t end) {
      text::Tokenizer::Encoder encoder(tokenizer);
      std::string source;
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
        source = settings.source_prefix;
        source += documents[i].source;
        const std::pair<const std::string*, std::int64_t*> texts[] = {
            {&source, &counts.source[i]}, {&documents[i].target, &counts.target[i]}};
        for (const auto& [text, count] : texts) {
          const std::vector<text::TokenId> ids = encoder.Encode(*text, kUncut);
          *count = static_cast<std::int64_t>(ids.size());
          counts.unknown[i] += std::count(ids.begin(), ids.end(), text::Tokenizer::kUnknown);
        }
      }
    });
    more(last - first);
  }
  return counts;
}

Rendered Render(const DataSettings& settings, const text::Tokenizer& tokenizer,
                const text::Document& document) {
  Split one;
  one.documents.push_back(document);
  Tokenize(settings, tokenizer, one);
  const Example& example = one.examples.front();
  return {.id = document.id,
          .source = tokenizer.Decode(example.source),
          .target = tokenizer.Decode(example.target),
          .source_tokens = static_cast<std::int64_t>(example.source.size()),
          .target_tokens = static_cast<std::int64_t>(example.target.size()),
          .source_cut = example.source_cut,
          .target_cut = example.target_cut};
}

}  // namespace

StatusOr<DataReport> ReportData(const DataSettings& settings, const text::Tokenizer& tokenizer,
                                const Counted& counted) {
  ASSIGN_OR_RETURN(const TrialData data, ReadTrialData(settings));
  const std::vector<text::NamedSplit> splits = {{"train", &data.train.documents},
                                                {"validation", &data.validation.documents},
                                                {"test", &data.test.documents}};
  std::int64_t all = 0, done = 0;
  for (const text::NamedSplit& split : splits) all += static_cast<std::int64_t>(split.documents->size());
  DataReport report;
  report.warnings = data.warnings;
  report.empty_documents = data.empty_documents;
  const text::Duplicates duplicates = text::FindDuplicates(splits);
  report.overlaps = duplicates.across;
  for (std::size_t s = 0; s < splits.size(); ++s) {
    const std::vector<text::Document>& documents = *splits[s].documents;
    Counts counts = CountTokens(settings, tokenizer, documents, [&](std::int64_t more) {
      if (counted) counted(done += more, all);
    });
    const double unknown = counts.UnknownShare();
    report.splits.push_back(
        {.name = splits[s].name,
         .documents = static_cast<std::int64_t>(documents.size()),
         .repeated = duplicates.within[s],
         .source = text::SummarizeLengths(std::move(counts.source), settings.max_source_tokens),
         .target = text::SummarizeLengths(std::move(counts.target), settings.max_target_tokens),
         .unknown_share = unknown});
  }
  for (const text::NamedSplit& split : splits) {
    if (split.documents->empty()) continue;
    report.example = Render(settings, tokenizer, split.documents->front());
    break;
  }
  return report;
}

}  // namespace lorikeet::trainer
