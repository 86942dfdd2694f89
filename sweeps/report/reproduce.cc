// A trial's recipe: a shell script that runs it again, and in its comments what must be the same for the same
// numbers, and what they were.
#include <algorithm>
#include <cctype>

#include "sweeps/report/cells.h"
#include "sweeps/report/database.h"
#include "sweeps/report/extracts.h"

namespace lorikeet::report {
namespace {

// Ids are ours; but a database may be anybody's, and this becomes a word of a shell script.
std::string ShellWord(const std::string& id) {
  std::string word = id.substr(0, 64);
  std::replace_if(
      word.begin(), word.end(), [](unsigned char c) { return !std::isalnum(c) && c != '-' && c != '_'; },
      '-');
  return word.empty() || word.front() == '-' ? "trial" + word : word;
}

struct Recipe {
  FoundTrial trial;
  Json settings;  // the trial file, with the micro-batch and threads of the result
  Json result;    // null: there is none
  Json attempt;   // the one whose result counts, else the newest; null: there is none
  Json files;     // name → SHA-256
  std::string sweep_build;
  std::int64_t attempts = 0, out_of_memory = 0;
};

Recipe Read(Source& source, const FoundTrial& trial) {
  Recipe recipe{.trial = trial,
                .settings = TrialFileOf(source, trial.id),
                .result = ResultOf(source, trial.id),
                .attempt = {},
                .files = Json::object(),
                .sweep_build = {}};
  SQLite::Statement attempt(
      *source.database,
      "SELECT a.id, a.number, a.state, a.device, a.device_model, a.threads, a.micro_batch_size, a.build,"
      " w.hostname, (SELECT count(*) FROM attempts AS o WHERE o.trial_id = ?1) AS attempts,"
      " (SELECT count(*) FROM events AS e WHERE e.trial_id = ?1 AND e.kind = 'out_of_memory') AS "
      "out_of_memory"
      " FROM attempts AS a JOIN workers AS w ON w.id = a.worker_id WHERE a.trial_id = ?1"
      " ORDER BY a.id = coalesce((SELECT attempt_id FROM results WHERE trial_id = ?1), '') DESC, a.number "
      "DESC"
      " LIMIT 1");
  attempt.bind(1, trial.id);
  if (attempt.executeStep()) {
    recipe.attempt = RowJson(attempt);
    recipe.attempts = recipe.attempt["attempts"].get<std::int64_t>();
    recipe.out_of_memory = recipe.attempt["out_of_memory"].get<std::int64_t>();
  }
  SQLite::Statement files(*source.database,
                          "SELECT name, fingerprint FROM sweep_files WHERE sweep_id = ? ORDER BY name");
  files.bind(1, trial.sweep_id);
  while (files.executeStep()) recipe.files[files.getColumn(0).getString()] = files.getColumn(1).getString();
  SQLite::Statement build(*source.database, "SELECT build FROM sweeps WHERE id = ?");
  build.bind(1, trial.sweep_id);
  if (build.executeStep()) recipe.sweep_build = build.getColumn(0).getString();
  // What it really ran with: the same numbers to the last bit need the same.
  if (recipe.result.is_object() && recipe.settings.is_object()) {
    const bool trains = At(recipe.result, "train_seconds").is_number();
    if (trains && recipe.settings.contains("train"))
      recipe.settings["train"]["micro_batch_size"] = At(recipe.result, "micro_batch_size");
    recipe.settings["resources"]["threads"] = At(recipe.result, "threads");
  }
  return recipe;
}

std::string Device(const Recipe& recipe) {
  const std::string device = Plain(recipe.result.is_object()    ? recipe.result.value("device", Json("cpu"))
                                   : recipe.attempt.is_object() ? recipe.attempt.value("device", Json("cpu"))
                                                                : Json("cpu"));
  return device.rfind("cuda", 0) == 0 ? "cuda:0" : "cpu";
}

std::vector<std::string> Command(const Recipe& recipe) {
  const std::string name = ShellWord(recipe.trial.id);
  return {"sweep-trainer", "train", "--trial", name + ".json", "--out", name, "--device", Device(recipe)};
}

class Script {
 public:
  void Fact(const std::string& name, const Json& value) {
    if (IsSet(value)) Comment(fmt::format("  {:<13} {}", name, Plain(value)));
  }
  void Comment(const std::string& line = "") {
    text_ += line.empty() ? "#\n" : "# " + Printable(line) + "\n";
  }
  void Line(const std::string& line) { text_ += line + "\n"; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void TellSame(Script& script, const Recipe& recipe) {
  script.Comment("The numbers are the same, to the last bit, with the same of these:");
  const Json& from = recipe.result.is_object() ? recipe.result : recipe.attempt;
  for (const char* column : {"build", "device", "device_model", "threads", "micro_batch_size", "precision"}) {
    const Json& value = At(from, column);
    if (value == 0) continue;  // the micro-batch of what trains nothing
    std::string name = column;
    std::replace(name.begin(), name.end(), '_', ' ');
    if (name == "micro batch size") name = "micro-batch";
    script.Fact(name, value);
  }
  if (recipe.result.is_object()) {
    if (IsSet(At(recipe.result, "model_fingerprint")))
      script.Fact("model", At(recipe.result, "model_fingerprint"));
    script.Fact("documents", At(recipe.result, "data_fingerprint"));
  }
  bool headed = false;
  for (const auto& [name, fingerprint] : recipe.files.items()) {
    if (name == "model" || name == "documents") continue;
    if (!headed) script.Comment("Files, by what sha256sum prints of them:");
    headed = true;
    script.Comment("  " + Plain(fingerprint) + "  " + name);
  }
  if (recipe.out_of_memory > 0) {
    script.Comment(
        fmt::format("Memory ran out {} time{} on the way: before, the micro-batch was larger, and the last "
                    "bits may differ.",
                    recipe.out_of_memory, recipe.out_of_memory == 1 ? "" : "s"));
  }
  if (recipe.attempts > 1)
    script.Comment(fmt::format("It took {} attempts; one that resumes gives what an undisturbed one gives.",
                               recipe.attempts));
}

void TellResult(Script& script, const Recipe& recipe) {
  if (!recipe.result.is_object()) {
    script.Comment(fmt::format("It has no result: it is {}.", recipe.trial.state));
    return;
  }
  script.Comment("It came to (the last line that is printed has these in full):");
  for (const auto& [name, column] : {std::pair("ROUGE-1", "test_rouge1"),
                                     {"ROUGE-2", "test_rouge2"},
                                     {"ROUGE-L", "test_rougeL"},
                                     {"ROUGE-Lsum", "test_rougeLsum"},
                                     {"val. ROUGE-1", "validation_rouge1"},
                                     {"val. loss", "validation_loss"},
                                     {"kept step", "kept_step"},
                                     {"last step", "last_step"}})
    script.Fact(name, At(recipe.result, column));
}

Json AsJson(const Recipe& recipe) {
  return {
      {"trial_id", recipe.trial.id}, {"trial", recipe.trial.name},  {"sweep", recipe.trial.sweep},
      {"state", recipe.trial.state}, {"settings", recipe.settings}, {"result", recipe.result},
      {"attempt", recipe.attempt},   {"files", recipe.files},       {"coordinator_build", recipe.sweep_build},
      {"command", Command(recipe)}};
}

}  // namespace

StatusOr<std::string> TellReproduce(Source& source, const ExtractRequest& request) {
  ASSIGN_OR_RETURN(const FoundTrial trial, FindTrial(source, request.name));
  if (source.version >= kTuneVersion) {
    SQLite::Statement undecided(
        *source.database, "SELECT 1 FROM configurations WHERE id = ? AND tries > 1 AND chosen_id IS NULL");
    undecided.bind(1, trial.configuration_id);
    if (undecided.executeStep()) {
      return FailedPrecondition("the settings of '{}' are not chosen yet: there is nothing to repeat",
                                Printable(trial.configuration));
    }
  }
  const Recipe recipe = Read(source, trial);
  if (request.json) return Dump(AsJson(recipe), 2) + "\n";
  const std::string name = ShellWord(trial.id);
  Script script;
  script.Line("#!/bin/sh");
  script.Comment(fmt::format("'{}' of sweep {} ({}), {}", trial.name, trial.sweep, trial.id, trial.state));
  script.Comment();
  TellSame(script, recipe);
  script.Comment();
  TellResult(script, recipe);
  script.Comment();
  script.Comment("The trial file, then the one command that runs it again.");
  script.Line(fmt::format("cat > {}.json <<'END_OF_TRIAL'", name));
  script.Line(Dump(recipe.settings, 2));  // strings have no line breaks: none of them ends the text early
  script.Line("END_OF_TRIAL");
  script.Line(fmt::format("{}", fmt::join(Command(recipe), " ")));
  return script.text();
}

}  // namespace lorikeet::report
