#include "sweeps/sweepctl/scores.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <vector>

#include "common/metric_names.h"
#include "sweeps/sweepctl/message_json.h"
#include "sweeps/sweepctl/rouge.h"
#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {
namespace {

constexpr const char* kRouge[] = {"rouge1", "rouge2", "rougeL", "rougeLsum"};
// Of a message: far below what a coordinator takes.
constexpr std::size_t kDocumentsAPart = 500, kBytesAPart = std::size_t{1} << 20;

// Its documents' scores come from `scores_of` (run, document), their summaries go along where `summaries`.
template <typename ScoresOf>
std::vector<v1::ScoredDocuments> PartsOf(const Scoring& scoring, const std::vector<FileRun>& runs,
                                         bool summaries, const ScoresOf& scores_of) {
  std::vector<v1::ScoredDocuments> parts;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    std::size_t bytes = kBytesAPart;  // a new part for each run
    for (std::size_t d = 0; d < runs[r].documents.size(); ++d) {
      if (bytes >= kBytesAPart || parts.back().documents_size() >= static_cast<int>(kDocumentsAPart)) {
        v1::ScoredDocuments& part = parts.emplace_back();
        part.set_configuration(runs[r].configuration);
        part.set_seed(runs[r].seed);
        bytes = 0;
      }
      v1::ScoredDocument& document = *parts.back().add_documents();
      document.set_id(scoring.references[d].first);
      if (summaries) document.set_summary(runs[r].documents[d].text);
      for (const double score : scores_of(r, d)) document.add_scores(score);
      bytes += document.ByteSizeLong();
    }
  }
  return parts;
}

std::string Plural(std::int64_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

Status Print(const v1::PutScoresResponse& answer, bool json, const std::string& text) {
  fmt::print("{}\n", json ? ToJsonLine(answer) : Printable(text));
  return absl::OkStatus();
}

std::string TrainerIn(const std::string& programs) { return programs + "/sweep-trainer"; }

}  // namespace

std::string RescoredName(const std::string& metric, const ScoreOptions& options,
                         const std::string& own_split) {
  std::string name = metric;
  if (options.no_stemmer) name += ".nostem";
  if (!options.sentence_split.empty() && options.sentence_split != own_split)
    name += "." + options.sentence_split;
  return name;
}

Status ImportPredictions(const Extractor& extractor, const ImportOptions& options,
                         const std::string& programs, bool json) {
  ASSIGN_OR_RETURN(const Scoring scoring, ReadScoring(extractor, options.sweep));
  ASSIGN_OR_RETURN(const std::vector<FileRun> runs,
                   ReadRuns(options.predictions, LineKind::kSummaries, scoring));
  ASSIGN_OR_RETURN(
      const auto rouge,
      ScoreRuns({.program = TrainerIn(programs), .stemmer = true, .sentence_split = scoring.sentence_split},
                scoring, runs));
  v1::PutScoresBegin begin;
  begin.set_sweep(scoring.sweep_id);
  begin.set_predictions(true);
  begin.set_source(options.source.empty()
                       ? "imported from " + std::filesystem::path(options.predictions).filename().string()
                       : options.source);
  for (const char* metric : kRouge) begin.add_metrics(metric);
  const auto parts = PartsOf(scoring, runs, true, [&](std::size_t r, std::size_t d) { return rouge[r][d]; });
  ASSIGN_OR_RETURN(const v1::PutScoresResponse answer, extractor.client()->PutScores(begin, parts));
  std::string text;
  for (const std::string& row : answer.rows()) {
    std::vector<std::int64_t> seeds;
    for (const FileRun& run : runs) {
      if (run.configuration == row) seeds.push_back(run.seed);
    }
    text += fmt::format("{}'{}' ({})", text.empty() ? "" : ", ", row, Plural(std::ssize(seeds), "seed"));
  }
  return Print(answer, json,
               fmt::format("{} {} in the table of sweep {}, scored and tested on {}", text,
                           answer.rows_size() == 1 ? "stands" : "stand", answer.sweep(),
                           Plural(std::ssize(scoring.references), "document")));
}

Status Score(const Extractor& extractor, const ScoreOptions& options, bool json) {
  RETURN_IF_ERROR(Annotate(CheckMetricName(options.metric), "--metric"));
  for (const char* own : kRouge) {
    if (!options.metric.starts_with(std::string(own) + ".")) continue;
    return InvalidArgument("--metric {}: names that begin with '{}.' are `sweepctl rescore`'s",
                           options.metric, own);
  }
  ASSIGN_OR_RETURN(const Scoring scoring, ReadScoring(extractor, options.sweep));
  ASSIGN_OR_RETURN(const std::vector<FileRun> runs, ReadRuns(options.input, LineKind::kScores, scoring));
  v1::PutScoresBegin begin;
  begin.set_sweep(scoring.sweep_id);
  begin.add_metrics(options.metric);
  const auto parts = PartsOf(scoring, runs, false, [&](std::size_t r, std::size_t d) {
    return std::vector<double>{runs[r].documents[d].score};
  });
  ASSIGN_OR_RETURN(const v1::PutScoresResponse answer, extractor.client()->PutScores(begin, parts));
  return Print(answer, json,
               fmt::format("{}: {} of {} of sweep {}; `sweepctl table {} --metrics {}` shows them",
                           options.metric, Plural(answer.runs(), "run"), Plural(answer.rows_size(), "row"),
                           answer.sweep(), answer.sweep(), options.metric));
}

Status Rescore(const Extractor& extractor, const ScoreOptions& options, bool json) {
  ASSIGN_OR_RETURN(const Scoring scoring, ReadScoring(extractor, options.sweep));
  std::vector<std::string> metrics;
  for (const char* metric : kRouge) metrics.push_back(RescoredName(metric, options, scoring.sentence_split));
  if (metrics.front() == kRouge[0]) {
    return InvalidArgument(
        "rescore: sweep {} is scored so already (with the stemmer, sentence_split {}); --no-stemmer or "
        "--sentence-split {} would be something else",
        scoring.sweep, scoring.sentence_split, scoring.sentence_split == "auto" ? "newline" : "auto");
  }
  report::ExtractRequest request;
  request.what = "predictions";
  request.name = scoring.sweep_id;
  request.split = "test";
  ASSIGN_OR_RETURN(const std::string lines, extractor.ReadAll(request));
  ASSIGN_OR_RETURN(const std::vector<FileRun> runs, RunsOfPredictions(lines, scoring));
  const std::string& split = options.sentence_split.empty() ? scoring.sentence_split : options.sentence_split;
  ASSIGN_OR_RETURN(const auto rouge, ScoreRuns({.program = TrainerIn(options.programs),
                                                .stemmer = !options.no_stemmer,
                                                .sentence_split = split},
                                               scoring, runs));
  v1::PutScoresBegin begin;
  begin.set_sweep(scoring.sweep_id);
  for (const std::string& metric : metrics) begin.add_metrics(metric);
  // In percent, as the table has ROUGE.
  const auto parts = PartsOf(scoring, runs, false, [&](std::size_t r, std::size_t d) {
    RougeF1s percent = rouge[r][d];
    for (double& score : percent) score *= 100;
    return percent;
  });
  ASSIGN_OR_RETURN(const v1::PutScoresResponse answer, extractor.client()->PutScores(begin, parts));
  return Print(
      answer, json,
      fmt::format("{}: {} of {} of sweep {}; `sweepctl table {} --metrics {}` shows them",
                  fmt::join(metrics, ", "), Plural(answer.runs(), "run"), Plural(answer.rows_size(), "row"),
                  answer.sweep(), answer.sweep(), fmt::join(metrics, ",")));
}

}  // namespace lorikeet::sweepctl
