#include "worker/text/rouge.h"

#include <cstdio>
#include <unordered_map>

#include "worker/text/documents.h"
#include "worker/text/sentences.h"
#include "worker/trainer/commands/commands.h"
#include "worker/trainer/commands/json_lines.h"
#include "worker/trainer/commands/model_options.h"

namespace lorikeet::trainer {
namespace {

struct RougeOptions {
  std::string references, predictions, sentence_split = "newline";
  bool no_stemmer = false;
};

struct Text {
  std::string id, text;
};

// Lines of {"id", "text"}; `other` is the text's name in the file that it usually comes from.
StatusOr<std::vector<Text>> ReadTexts(const std::string& path, const char* other) {
  std::vector<Text> texts;
  std::unordered_map<std::string, std::int64_t> line_of;
  RETURN_IF_ERROR(text::ForEachLine(path, [&](std::int64_t number, std::string& line) -> Status {
    if (line.find_first_not_of(" \t\r") == std::string::npos) return absl::OkStatus();
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    const auto string_at = [&](const char* key) { return json.contains(key) && json[key].is_string(); };
    const char* const key = json.contains("text") ? "text" : other;
    if (!json.is_object() || !string_at("id") || !string_at(key)) {
      return InvalidArgument("an object with the strings \"id\" and \"text\" (or \"{}\") would be right",
                             other);
    }
    texts.push_back({json["id"], json[key]});
    const auto [first, fresh] = line_of.emplace(texts.back().id, number);
    if (!fresh) return InvalidArgument("id {} stands on line {} already", texts.back().id, first->second);
    return absl::OkStatus();
  }));
  if (texts.empty()) return InvalidArgument("{}: no text", path);
  return texts;
}

OrderedJson ToJson(const text::RougeScore& score) {
  return {{"precision", score.precision}, {"recall", score.recall}, {"f1", score.f1}};
}

OrderedJson ToJson(const text::RougeScores& scores) {
  return {{"rouge1", ToJson(scores.rouge1)},
          {"rouge2", ToJson(scores.rouge2)},
          {"rougeL", ToJson(scores.rougeL)},
          {"rougeLsum", ToJson(scores.rougeLsum)}};
}

void Add(const text::RougeScore& score, text::RougeScore& sum) {
  sum.precision += score.precision;
  sum.recall += score.recall;
  sum.f1 += score.f1;
}

Status Run(const RougeOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<Text> references, ReadTexts(options.references, "abstract"));
  ASSIGN_OR_RETURN(const std::vector<Text> predictions, ReadTexts(options.predictions, "summary"));
  std::unordered_map<std::string, const Text*> prediction_of;
  for (const Text& prediction : predictions) prediction_of.emplace(prediction.id, &prediction);
  if (predictions.size() != references.size()) {
    return InvalidArgument("{} has {} texts, {} has {}", options.references, references.size(),
                           options.predictions, predictions.size());
  }
  std::string out;
  text::RougeScores sum;
  for (const Text& reference : references) {
    const auto found = prediction_of.find(reference.id);
    if (found == prediction_of.end()) {
      return InvalidArgument("{}: no prediction with the id {}", options.predictions, reference.id);
    }
    const text::RougeScores scores =
        text::Rouge(text::SentencePerLine(reference.text, options.sentence_split),
                    text::SentencePerLine(found->second->text, options.sentence_split), !options.no_stemmer);
    OrderedJson line = {{"id", reference.id}};
    line.update(ToJson(scores));
    out += Line(line);
    Add(scores.rouge1, sum.rouge1);
    Add(scores.rouge2, sum.rouge2);
    Add(scores.rougeL, sum.rougeL);
    Add(scores.rougeLsum, sum.rougeLsum);
  }
  const auto count = static_cast<double>(references.size());
  for (text::RougeScore* score : {&sum.rouge1, &sum.rouge2, &sum.rougeL, &sum.rougeLsum}) {
    *score = {score->precision / count, score->recall / count, score->f1 / count};
  }
  out += Line({{"mean", ToJson(sum)}});
  std::fputs(out.c_str(), stdout);
  if (std::fflush(stdout) != 0) return Internal("cannot write to standard output");
  return absl::OkStatus();
}

}  // namespace

void AddRougeCommand(CLI::App& app, int& exit_code) {
  CLI::App* const command =
      app.add_subcommand("rouge", "ROUGE-1, 2, L and Lsum as Google's rouge_score gives them");
  auto options = std::make_shared<RougeOptions>();
  command->add_option("--references", options->references, "JSONL: id, text (or abstract)")->required();
  command
      ->add_option("--predictions", options->predictions,
                   "JSONL: id, text (or summary, as generate writes); the same ids in any order")
      ->required();
  command->add_flag("--no-stemmer", options->no_stemmer, "Compare words as they are");
  command->add_option("--sentence-split", options->sentence_split, "What a sentence is for ROUGE-Lsum")
      ->check(CLI::IsMember({"newline", "auto"}))
      ->capture_default_str();
  command->callback(
      [options, &exit_code] { exit_code = RunCommand("rouge", [&] { return Run(*options); }); });
}

}  // namespace lorikeet::trainer
