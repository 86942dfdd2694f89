// A model card in Hugging Face's format for what a trial kept: README.md with its metadata, the sweep's
// table, how it was trained and how to load it.
#include <filesystem>

#include "sweeps/report/answer.h"
#include "sweeps/report/cells.h"
#include "sweeps/report/database.h"
#include "sweeps/report/extracts.h"
#include "sweeps/report/render.h"

namespace lorikeet::report {
namespace {

// A JSON string is a double-quoted YAML string, control characters and all.
std::string Quoted(const std::string& text) { return Dump(Json(Printable(text))); }

std::string FileName(const std::string& path) {
  return std::filesystem::path(path).lexically_normal().filename().string();
}

// For Markdown's text: on one line, with nothing that it would take for its own.
std::string Prose(const std::string& text) {
  std::string prose;
  for (const char c : Printable(text)) {
    if (std::string_view("\\`*_[]<>|#~&").find(c) != std::string_view::npos) prose += '\\';
    prose += c;
  }
  return prose;
}

// For Markdown's code spans and blocks: nothing in it ends them.
std::string Code(const std::string& text) {
  std::string code = Printable(text);
  for (char& c : code)
    if (c == '`') c = '\'';
  return code;
}

struct Card {
  FoundSweep sweep;
  FoundTrial trial;
  bool chosen = false;  // by validation, not by whoever asks
  Json settings, result;
  Table table;
  std::string base_model;
  bool base_model_given = false;
};

// The adapter row that is best on validation, and of its seeds the best one.
StatusOr<FoundTrial> BestAdapter(Source& source, const FoundSweep& sweep) {
  SQLite::Statement query(
      *source.database,
      std::string("SELECT t.id FROM configurations AS c JOIN trials AS t ON t.configuration_id = c.id") +
          " JOIN results AS r ON r.trial_id = t.id"
          " JOIN (SELECT k.id AS best, avg(s.validation_rouge1) AS mean FROM configurations AS k"
          "       JOIN trials AS u ON u.configuration_id = k.id JOIN results AS s ON s.trial_id = u.id"
          "       WHERE k.sweep_id = ?1 AND k.arm IN ('lora', 'prompt')" +
          RowsAlone(source.version, "k.") +
          " GROUP BY k.id ORDER BY mean DESC, "
          "k.position"
          "       LIMIT 1) ON best = c.id"
          " ORDER BY r.validation_rouge1 DESC, t.seed LIMIT 1");
  query.bind(1, sweep.id);
  if (query.executeStep()) return FindTrial(source, query.getColumn(0).getString());
  return FailedPrecondition(
      "no LoRA or prompt trial of sweep {} has a result yet: there is no adapter for a card", sweep.name);
}

std::string Metadata(const Card& card) {
  const bool full = card.trial.arm == "full";
  std::string text = "---\n";
  text += "base_model: " + Quoted(card.base_model) + "\n";
  text += full ? "library_name: transformers\n" : "library_name: peft\n";
  text += "pipeline_tag: summarization\n";
  text += "tags:\n- summarization\n- t5\n- lorikeet\n";
  if (card.trial.arm == "lora") text += "- lora\n";
  if (card.trial.arm == "prompt") text += "- prompt-tuning\n";
  text += "metrics:\n- rouge\n";
  text += "model-index:\n- name: " + Quoted(card.sweep.name + ", " + card.trial.name) + "\n  results:\n";
  text += "  - task:\n      type: summarization\n      name: Summarization\n";
  text += "    dataset:\n      type: local\n      name: " +
          Quoted(FileName(Plain(At(At(card.settings, "data"), "test")))) + "\n      split: test\n";
  text += "    metrics:\n";
  for (const auto& [name, column] : {std::pair("ROUGE-1", "test_rouge1"),
                                     {"ROUGE-2", "test_rouge2"},
                                     {"ROUGE-L", "test_rougeL"},
                                     {"ROUGE-Lsum", "test_rougeLsum"}}) {
    text += fmt::format("    - type: rouge\n      name: {}\n      value: {:.4f}\n", name,
                        100 * At(card.result, column).get<double>());
  }
  return text + "---\n";
}

std::string Loading(const Card& card) {
  const Json& data = At(card.settings, "data");
  const Json& evaluate = At(card.settings, "evaluate");
  std::string text =
      "```python\nfrom peft import PeftModel\nfrom transformers import AutoModelForSeq2SeqLM, "
      "AutoTokenizer\n\n";
  text += "base = " + Quoted(card.base_model) + "\n";
  text += "tokenizer = AutoTokenizer.from_pretrained(base)\n";
  text += "model = PeftModel.from_pretrained(AutoModelForSeq2SeqLM.from_pretrained(base), \".\")\n";
  text +=
      fmt::format("inputs = tokenizer({} + article, truncation=True, max_length={}, return_tensors=\"pt\")\n",
                  Quoted(Plain(At(data, "source_prefix"))), Plain(At(data, "max_source_tokens")));
  text += fmt::format("summary = model.generate(**inputs, num_beams={}, max_new_tokens={})\n",
                      Plain(At(evaluate, "beams")), Plain(At(evaluate, "max_new_tokens")));
  return text + "print(tokenizer.decode(summary[0], skip_special_tokens=True))\n```\n";
}

std::string Settings(const Card& card) {
  Json shown = card.settings;
  // Where files lay on the machine that trained is nobody's business; their names say what they are.
  shown["model"] = FileName(Plain(shown["model"]));
  for (const char* split : {"train", "validation", "test"}) {
    if (shown["data"][split].is_string()) shown["data"][split] = FileName(Plain(shown["data"][split]));
  }
  for (const char* key : {"resources", "time_limit_seconds", "sweep", "configuration"}) shown.erase(key);
  return "```json\n" + Dump(shown, 2) + "\n```\n";
}

std::string Text(const Card& card) {
  const auto fact = [&](const char* column) { return Code(Plain(At(card.result, column))); };
  std::string text = Metadata(card);
  text += "\n# " + Prose(card.sweep.name + ": " + card.trial.name) + "\n\n";
  text += fmt::format(
      "{} of `{}` for summarization, trained and scored by Lorikeet. It has {} trainable parameters, {} of "
      "base and "
      "adapter together.\n",
      card.trial.arm == "lora"     ? "A LoRA adapter"
      : card.trial.arm == "prompt" ? "A soft prompt"
                                   : "A full fine-tuning",
      Code(card.base_model), Grouped(At(card.result, "trainable_parameters").get<std::int64_t>()),
      Percent(At(card.result, "trainable_share").get<double>()));
  if (card.chosen) {
    text +=
        "\nIt is the seed with the best validation ROUGE-1 of the adapter that is best on validation. The "
        "table's means "
        "over seeds are what the method gives; the metrics above are this seed's.\n";
  }
  text += "\n## Scores\n\n" + Render(card.table, Format::kMarkdown);
  text += "\n## How to load it\n\n";
  if (card.trial.arm == "full") {
    text += "The model's files are not kept by the sweep.\n";
  } else {
    if (!card.base_model_given) {
      text += fmt::format(
          "`{}` is the name of the folder that the base model was read from: put what the hub calls it, here "
          "and "
          "in the metadata.\n\n",
          Code(card.base_model));
    }
    text += Loading(card);
  }
  text += "\n## How it was trained\n\n" + Settings(card);
  text += fmt::format(
      "\nSeed {}, {} documents, kept step {} of {}, on {}, precision {}, Lorikeet {}. By SHA-256 the "
      "documents are "
      "`{}` and the base model is `{}`.\n",
      card.trial.seed, fact("train_documents"), fact("kept_step"), fact("last_step"),
      Prose(Plain(At(card.result, "device_model"))), fact("precision"), fact("build"),
      fact("data_fingerprint"), fact("model_fingerprint"));
  text +=
      "\n## What is not known\n\nThe data set's name and licence, and the languages: only its files are "
      "recorded. Add "
      "them to the metadata before you publish this.\n";
  return text;
}

}  // namespace

StatusOr<std::string> TellCard(Source& source, const ExtractRequest& request) {
  Card card;
  ASSIGN_OR_RETURN(card.sweep, FindSweep(source, request.name));
  card.chosen = request.other.empty();
  if (card.chosen) {
    ASSIGN_OR_RETURN(card.trial, BestAdapter(source, card.sweep));
  } else {
    StatusOr<FoundTrial> found = FindTrial(source, card.sweep.name + "/" + request.other);
    if (!found.ok()) {
      const StatusOr<FoundTrial> by_id = FindTrial(source, request.other);
      if (!by_id.ok() || by_id->sweep_id != card.sweep.id) return found.status();
      found = by_id;
    }
    card.trial = *std::move(found);
  }
  card.settings = TrialFileOf(source, card.trial.id);
  card.result = ResultOf(source, card.trial.id);
  if (card.result.is_null()) {
    return FailedPrecondition("'{}' of sweep {} has no result yet: it is {}", card.trial.name,
                              card.sweep.name, card.trial.state);
  }
  if (card.trial.arm == "zero_shot" || card.trial.arm == "lead") {
    return InvalidArgument("'{}' trains nothing: there is nothing for a card", card.trial.name);
  }
  card.base_model_given = !request.base_model.empty();
  card.base_model =
      request.base_model.empty() ? FileName(Plain(At(card.settings, "model"))) : request.base_model;
  ASSIGN_OR_RETURN(const std::unique_ptr<Report> report, Report::Open(source.path));
  ASSIGN_OR_RETURN(card.table, report->ReadTable(card.sweep.id));
  if (!request.json) return Text(card);
  // Where the files of the adapter are, for whoever puts the card beside them.
  Json json = {
      {"trial_id", card.trial.id}, {"trial", card.trial.name}, {"arm", card.trial.arm}, {"card", Text(card)}};
  SQLite::Statement query(*source.database,
                          "SELECT path, files FROM artifacts WHERE trial_id = ? AND kind = 'adapter'");
  query.bind(1, card.trial.id);
  const bool kept = query.executeStep();
  json["path"] = kept ? Json(query.getColumn(0).getString()) : Json();
  json["files"] = kept ? Parsed(query.getColumn(1).getString()) : Json();
  return Dump(json) + "\n";
}

}  // namespace lorikeet::report
