#include "worker/text/rouge.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "worker/text/documents.h"
#include "worker/text/sentences.h"
#include "worker/text/string_members.h"
#include "worker/trainer/commands/commands.h"
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

// A line of {"id", "text"} that holds more than strings, or a mistake.
StatusOr<Text> ReadText(const std::string& line, const char* other) {
  const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  const auto string_at = [&](const char* key) { return json.contains(key) && json[key].is_string(); };
  const char* const key = json.contains("text") ? "text" : other;
  if (!json.is_object() || !string_at("id") || !string_at(key)) {
    return InvalidArgument("an object with the strings \"id\" and \"text\" (or \"{}\") would be right",
                           other);
  }
  return Text{json["id"], json[key]};
}

// Lines of {"id", "text"}; `other` is the text's name in the file that it usually comes from.
StatusOr<std::vector<Text>> ReadTexts(const std::string& path, const char* other) {
  std::vector<Text> texts;
  std::unordered_map<std::string, std::int64_t> line_of;
  text::StringMembers members;
  RETURN_IF_ERROR(text::ForEachLine(path, [&](std::int64_t number, std::string& line) -> Status {
    if (line.find_first_not_of(" \t\r") == std::string::npos) return absl::OkStatus();
    const bool plain = members.Read(line);
    std::string* const id = plain ? members.Find("id") : nullptr;
    std::string* const text = !plain ? nullptr : members.Find(members.Find("text") ? "text" : other);
    if (id != nullptr && text != nullptr) {
      texts.push_back({std::move(*id), std::move(*text)});
    } else {
      ASSIGN_OR_RETURN(Text read, ReadText(line, other));
      texts.push_back(std::move(read));
    }
    const auto [first, fresh] = line_of.emplace(texts.back().id, number);
    if (!fresh) return InvalidArgument("id {} stands on line {} already", texts.back().id, first->second);
    return absl::OkStatus();
  }));
  if (texts.empty()) return InvalidArgument("{}: no text", path);
  return texts;
}

// The shortest digits that read back as the same number, as JSON has it: 1.0, not 1.
void AppendNumber(double number, std::string& out) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
  if (number == std::trunc(number)) out += ".0";
}

void AppendScores(const text::RougeScores& scores, std::string& out) {
  const std::pair<const char*, const text::RougeScore*> named[] = {{"\"rouge1\":", &scores.rouge1},
                                                                   {",\"rouge2\":", &scores.rouge2},
                                                                   {",\"rougeL\":", &scores.rougeL},
                                                                   {",\"rougeLsum\":", &scores.rougeLsum}};
  for (const auto& [name, score] : named) {
    out += name;
    out += "{\"precision\":";
    AppendNumber(score->precision, out);
    out += ",\"recall\":";
    AppendNumber(score->recall, out);
    out += ",\"f1\":";
    AppendNumber(score->f1, out);
    out += '}';
  }
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
  text::RougeScorer scorer(!options.no_stemmer);
  const bool as_it_is = options.sentence_split == "newline";
  std::string out;
  text::RougeScores sum;
  for (const Text& reference : references) {
    const auto found = prediction_of.find(reference.id);
    if (found == prediction_of.end()) {
      return InvalidArgument("{}: no prediction with the id {}", options.predictions, reference.id);
    }
    const std::string& prediction = found->second->text;
    const text::RougeScores scores =
        as_it_is ? scorer.Score(reference.text, prediction)
                 : scorer.Score(text::SentencePerLine(reference.text, options.sentence_split),
                                text::SentencePerLine(prediction, options.sentence_split));
    out += "{\"id\":" + nlohmann::json(reference.id).dump() + ',';
    AppendScores(scores, out);
    out += "}\n";
    Add(scores.rouge1, sum.rouge1);
    Add(scores.rouge2, sum.rouge2);
    Add(scores.rougeL, sum.rougeL);
    Add(scores.rougeLsum, sum.rougeLsum);
  }
  const auto count = static_cast<double>(references.size());
  for (text::RougeScore* score : {&sum.rouge1, &sum.rouge2, &sum.rougeL, &sum.rougeLsum}) {
    *score = {score->precision / count, score->recall / count, score->f1 / count};
  }
  out += "{\"mean\":{";
  AppendScores(sum, out);
  out += "}}\n";
  if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size() || std::fflush(stdout) != 0)
    return Internal("cannot write to standard output");
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
