#include "sweeps/sweepctl/rouge.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "common/files.h"
#include "common/subprocess.h"
#include "sweeps/sweepctl/text.h"
#include "sweeps/sweepctl/trainer_program.h"

namespace lorikeet::sweepctl {
namespace {

using Json = nlohmann::ordered_json;

// Texts that the program reads at a time: it keeps them in memory.
constexpr std::size_t kTextsAtATime = 20'000;
constexpr auto kScoreWithin = std::chrono::hours(1);

std::string In(const ScratchFolder& scratch, const char* name) { return scratch.path() + "/" + name; }

// Ids that no data set can spoil: of a run and a document, by their places.
std::string IdOf(std::size_t run, std::size_t document) { return fmt::format("{}/{}", run, document); }

std::string Line(const std::string& id, const std::string& text) {
  return Json({{"id", id}, {"text", text}}).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Status RunProgram(const RougeSettings& settings, const ScratchFolder& scratch) {
  SubprocessOptions options;
  options.command = {settings.program,   "rouge",
                     "--references",     In(scratch, "references.jsonl"),
                     "--predictions",    In(scratch, "predictions.jsonl"),
                     "--sentence-split", settings.sentence_split};
  if (!settings.stemmer) options.command.emplace_back("--no-stemmer");
  options.output_file = In(scratch, "scores.jsonl");
  options.error_file = In(scratch, "errors");
  const auto started = Subprocess::Start(options);
  if (!started.ok()) {
    return Annotate(started.status(), "ROUGE is computed by sweep-trainer, which lies beside sweepctl");
  }
  const std::optional<Exit> exit = (*started)->Wait(kScoreWithin);
  if (exit && exit->ok()) return absl::OkStatus();
  const StatusOr<std::string> said = ReadFile(In(scratch, "errors"));
  return Internal("{}: {}: {}", settings.program, exit ? Describe(*exit) : "took over an hour",
                  said.ok() ? Printable(said->substr(0, 2000)) : "");
}

// Into `scores` of the runs from `first` on, `count` of them.
Status ReadScores(const ScratchFolder& scratch, std::size_t first, std::size_t count,
                  std::vector<std::vector<RougeF1s>>& scores) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(In(scratch, "scores.jsonl")));
  std::size_t at = 0;
  const auto next = [&] {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    auto line = Json::parse(std::string_view(text).substr(at, end - at));
    at = std::min(end + 1, text.size());
    return line;
  };
  try {
    for (std::size_t run = first; run < first + count; ++run) {
      for (std::size_t document = 0; document < scores[run].size(); ++document) {
        const Json line = next();
        if (line.at("id") != IdOf(run, document)) return Internal("sweep-trainer's scores are out of order");
        std::size_t metric = 0;
        for (const char* name : {"rouge1", "rouge2", "rougeL", "rougeLsum"}) {
          scores[run][document][metric++] = line.at(name).at("f1");
        }
      }
    }
  } catch (const Json::exception& error) {
    return Internal("sweep-trainer's scores cannot be read: {}", error.what());
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::vector<std::vector<RougeF1s>>> ScoreRuns(const RougeSettings& settings, const Scoring& scoring,
                                                       const std::vector<FileRun>& runs) {
  std::vector<std::vector<RougeF1s>> scores(runs.size(), std::vector<RougeF1s>(scoring.references.size()));
  const std::size_t at_a_time = std::max<std::size_t>(1, kTextsAtATime / scoring.references.size());
  for (std::size_t first = 0; first < runs.size(); first += at_a_time) {
    const std::size_t count = std::min(at_a_time, runs.size() - first);
    ASSIGN_OR_RETURN(const ScratchFolder scratch, ScratchFolder::Make("rouge"));
    std::string references, predictions;
    for (std::size_t run = first; run < first + count; ++run) {
      for (std::size_t i = 0; i < scoring.references.size(); ++i) {
        references += Line(IdOf(run, i), scoring.references[i].second);
        predictions += Line(IdOf(run, i), runs[run].documents[i].text);
      }
    }
    RETURN_IF_ERROR(WriteFileAtomically(In(scratch, "references.jsonl"), references, 0600));
    RETURN_IF_ERROR(WriteFileAtomically(In(scratch, "predictions.jsonl"), predictions, 0600));
    RETURN_IF_ERROR(RunProgram(settings, scratch));
    RETURN_IF_ERROR(ReadScores(scratch, first, count, scores));
  }
  return scores;
}

}  // namespace lorikeet::sweepctl
