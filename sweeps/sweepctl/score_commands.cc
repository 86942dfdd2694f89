// The subcommands that bring scores from outside into a sweep's table.
#include "sweeps/sweepctl/commands.h"
#include "sweeps/sweepctl/trainer_program.h"

namespace lorikeet::sweepctl {
void Commands::AddScores(CLI::App& app) {
  // Whatever has no coordinator to act on is refused.
  const auto with_coordinator = [this](const std::function<Status(const Extractor&)>& action) -> Status {
    ASSIGN_OR_RETURN(const Extractor extractor, Extractor::Open("", client_));
    if (extractor.client() == nullptr) {
      return FailedPrecondition(
          "no coordinator is at work over {}; `sweep-coordinator --data` serves a folder again",
          client_.data);
    }
    return action(extractor);
  };

  CLI::App* import = AddRemote(app, "import", "Show a row of somebody else's in a sweep's table");
  AddImportOptions(*import, import_);
  Do(import, [this, with_coordinator] {
    if (import_.predictions.empty()) {
      return WithClient([this](Client& client) { return Import(client, import_, json_); });
    }
    return with_coordinator([this](const Extractor& extractor) {
      return ImportPredictions(extractor, import_, ProgramFolder(), json_);
    });
  });

  CLI::App* score = AddRemote(app, "score", "Take in scores of a sweep's summaries by a metric of your own");
  score->add_option("sweep", score_.sweep, "An id or a name")->required();
  score->add_option("--metric", score_.metric, "Its name; what is there under it is replaced")->required();
  score->add_option("--input", score_.input, "JSONL: configuration and seed (or trial), id, score")
      ->required();
  Do(score, [this, with_coordinator] {
    return with_coordinator([this](const Extractor& extractor) { return Score(extractor, score_, json_); });
  });

  CLI::App* rescore = AddRemote(app, "rescore", "Score a sweep's summaries by ROUGE with other settings");
  rescore->add_option("sweep", score_.sweep, "An id or a name")->required();
  rescore->add_flag("--no-stemmer", score_.no_stemmer, "Compare words as they are");
  rescore->add_option("--sentence-split", score_.sentence_split, "What a sentence is for ROUGE-Lsum")
      ->check(CLI::IsMember({"newline", "auto"}));
  Do(rescore, [this, with_coordinator] {
    score_.programs = ProgramFolder();
    return with_coordinator([this](const Extractor& extractor) { return Rescore(extractor, score_, json_); });
  });

  for (CLI::App* command : {import, score, rescore}) command->add_flag("--json", json_, "Print JSON");
}

}  // namespace lorikeet::sweepctl
