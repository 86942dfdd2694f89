// Two trials beside each other: the settings that differ, the scores, and the documents that changed most.
#include <algorithm>
#include <cmath>

#include "sweeps/report/cells.h"
#include "sweeps/report/extracts.h"

namespace lorikeet::report {
namespace {

constexpr std::size_t kMostReferenceLines = 6;
constexpr std::size_t kMostSummaryBytes = 20'000;  // nobody reads more in a terminal

struct Side {
  FoundTrial trial;
  Json settings, result;
};

struct Difference {
  std::string key, a, b;
};

// Leaves of both objects by their dotted path; lists count as leaves.
void Compare(const Json& a, const Json& b, const std::string& path, std::vector<Difference>& differences) {
  if (a == b) return;
  if (a.is_object() || b.is_object()) {
    std::vector<std::string> keys;
    for (const Json* side : {&a, &b}) {
      if (!side->is_object()) continue;
      for (const auto& [key, value] : side->items())
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
    for (const std::string& key : keys) {
      const auto at = [&](const Json& side) {
        return side.is_object() && side.contains(key) ? side[key] : Json();
      };
      std::string below = path;
      if (!below.empty()) below += '.';
      below += key;
      Compare(at(a), at(b), below, differences);
    }
    return;
  }
  const auto text = [](const Json& value) { return value.is_null() ? kAbsent : Printable(Plain(value)); };
  differences.push_back({path, text(a), text(b)});
}

std::string Pad(const std::string& text, std::size_t width) {
  const std::size_t has = DisplayWidth(text);
  return text + std::string(has < width ? width - has : 0, ' ');
}

// Cut at spaces into lines of at most so many columns; a word that is longer is cut.
std::vector<std::string> Wrap(const std::string& text, std::size_t width) {
  std::vector<std::string> lines;
  std::string line, word;
  const auto end_word = [&] {
    if (word.empty()) return;
    if (!line.empty() && DisplayWidth(line) + 1 + DisplayWidth(word) > width) {
      lines.push_back(std::move(line));
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
    word.clear();
  };
  const auto end_line = [&] {
    end_word();
    if (!line.empty()) lines.push_back(std::move(line));
    line.clear();
  };
  std::string character;
  for (std::size_t i = 0; i < text.size();) {
    // A character with the bytes that go on with it.
    character.assign(1, text[i++]);
    while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) character += text[i++];
    if (character == "\n") {
      end_line();
    } else if (character == " " || character == "\t" || character == "\r") {
      end_word();
    } else {
      if (DisplayWidth(word + character) > width) end_word();
      word += Printable(character);
    }
  }
  end_line();
  return lines;
}

std::string Cut(std::string text) {
  if (text.size() <= kMostSummaryBytes) return text;
  std::size_t end = kMostSummaryBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + " …";
}

// Three columns: what, A, B.
std::string Rows(const std::vector<Difference>& rows) {
  std::size_t first = 0, second = 0;
  for (const Difference& row : rows) {
    first = std::max(first, DisplayWidth(row.key));
    second = std::max(second, DisplayWidth(row.a));
  }
  std::string text;
  for (const Difference& row : rows)
    text += "  " + Pad(row.key, first) + "  " + Pad(row.a, second) + "  " + row.b + "\n";
  return text;
}

struct Column {
  const char* name;
  const char* label;
  bool percent;
};
constexpr Column kMetrics[] = {
    {"test_rouge1", "ROUGE-1", true},
    {"test_rouge2", "ROUGE-2", true},
    {"test_rougeL", "ROUGE-L", true},
    {"test_rougeLsum", "ROUGE-Lsum", true},
    {"validation_rouge1", "validation ROUGE-1", true},
    {"validation_loss", "validation loss", false},
    {"kept_step", "kept step", false},
    {"test_outputs_cut", "summaries cut", true},
    {"trainable_parameters", "trainable parameters", false},
    {"train_seconds", "train seconds", false},
    {"generated_tokens_per_second", "generated tokens/s", false},
    {"device_model", "device", false},
};

std::string MetricText(const Json& value, bool percent) {
  if (value.is_null()) return kAbsent;
  if (percent && value.is_number()) return fmt::format("{:.2f}", 100 * value.get<double>());
  if (value.is_number_float()) return fmt::format("{:.4g}", value.get<double>());
  if (value.is_number_integer()) return Grouped(value.get<std::int64_t>());
  return Printable(Plain(value));
}

std::string MetricsText(const Side& a, const Side& b) {
  std::vector<Difference> rows = {{"", "A", "B"}};
  for (const Column& metric : kMetrics) {
    const Json &of_a = At(a.result, metric.name), &of_b = At(b.result, metric.name);
    if (of_a.is_null() && of_b.is_null()) continue;
    std::string right = MetricText(of_b, metric.percent);
    if (metric.percent && of_a.is_number() && of_b.is_number())
      right += "  " + Signed(100 * (of_b.get<double>() - of_a.get<double>()));
    rows.push_back({metric.label, MetricText(of_a, metric.percent), right});
  }
  return Rows(rows);
}

// The documents whose ROUGE-1 differs most.
std::vector<Json> Documents(Source& source, const Side& a, const Side& b, const ExtractRequest& request,
                            const std::string& split) {
  SQLite::Statement query(
      *source.database,
      "SELECT x.document_id AS id, x.rouge1 AS a_rouge1, y.rouge1 AS b_rouge1, x.summary AS a, y.summary AS "
      "b,"
      " (SELECT reference FROM documents AS d WHERE d.sweep_id = ?5 AND d.split = x.split AND d.id = "
      "x.document_id)"
      " AS reference"
      " FROM predictions AS x JOIN predictions AS y ON y.trial_id = ?2 AND y.split = x.split"
      " AND y.document_id = x.document_id WHERE x.trial_id = ?1 AND x.split = ?3"
      " ORDER BY abs(y.rouge1 - x.rouge1) DESC, x.position, x.document_id LIMIT ?4");
  query.bind(1, a.trial.id);
  query.bind(2, b.trial.id);
  query.bind(3, split);
  query.bind(4, request.documents);
  query.bind(5, a.trial.sweep_id);
  std::vector<Json> documents;
  while (query.executeStep()) documents.push_back(RowJson(query));
  return documents;
}

std::string DocumentText(const Json& document, std::size_t columns) {
  const double a = 100 * At(document, "a_rouge1").get<double>(),
               b = 100 * At(document, "b_rouge1").get<double>();
  std::string text = fmt::format("\n{}: ROUGE-1 {:.2f} and {:.2f}, {}\n",
                                 Printable(Plain(At(document, "id"))), a, b, Signed(b - a));
  if (At(document, "reference").is_string()) {
    std::vector<std::string> lines = Wrap("reference: " + Cut(Plain(At(document, "reference"))), columns - 2);
    if (lines.size() > kMostReferenceLines) {
      lines.resize(kMostReferenceLines);
      lines.back() += " …";
    }
    for (const std::string& line : lines) text += "  " + line + "\n";
  }
  const std::size_t half = (columns - 3) / 2;
  std::vector<std::string> left = Wrap("A: " + Cut(Plain(At(document, "a"))), half);
  std::vector<std::string> right = Wrap("B: " + Cut(Plain(At(document, "b"))), half);
  const std::size_t lines = std::max(left.size(), right.size());
  left.resize(lines);
  right.resize(lines);
  for (std::size_t i = 0; i < lines; ++i) {
    std::string line = Pad(left[i], half) + " | " + right[i];
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

Status CheckRequest(const ExtractRequest& request) {
  if (request.documents < 0 || request.documents > kMostDiffDocuments)
    return InvalidArgument("documents: {}: from 0 to {}", request.documents, kMostDiffDocuments);
  if (request.columns < kLeastColumns || request.columns > kMostColumns)
    return InvalidArgument("columns: {}: from {} to {}", request.columns, kLeastColumns, kMostColumns);
  if (!request.split.empty() && request.split != "test" && request.split != "validation")
    return InvalidArgument("split '{}': test or validation", request.split);
  return absl::OkStatus();
}

StatusOr<Side> ReadSide(Source& source, const std::string& name) {
  ASSIGN_OR_RETURN(FoundTrial trial, FindTrial(source, name));
  Side side{.trial = trial, .settings = TrialFileOf(source, trial.id), .result = ResultOf(source, trial.id)};
  if (side.result.is_null()) {
    return FailedPrecondition("'{}' of sweep {} has no result to compare: it is {}", trial.name, trial.sweep,
                              trial.state);
  }
  return side;
}

Json DifferencesJson(const std::vector<Difference>& differences) {
  Json json = Json::object();
  for (const Difference& one : differences) json[one.key] = {one.a, one.b};
  return json;
}

}  // namespace

StatusOr<std::string> TellDiff(Source& source, const ExtractRequest& request) {
  RETURN_IF_ERROR(CheckRequest(request));
  const SQLite::Transaction snapshot(*source.database);
  ASSIGN_OR_RETURN(const Side a, ReadSide(source, request.name));
  ASSIGN_OR_RETURN(const Side b, ReadSide(source, request.other));
  if (a.trial.id == b.trial.id) return InvalidArgument("both are '{}': name two trials", a.trial.name);
  const std::string split = request.split.empty() ? "test" : request.split;
  std::vector<Difference> settings;
  Compare(a.settings, b.settings, "", settings);
  const std::vector<Json> documents = Documents(source, a, b, request, split);
  if (request.json) {
    Json json = {
        {"a",
         {{"trial_id", a.trial.id}, {"trial", a.trial.name}, {"sweep", a.trial.sweep}, {"result", a.result}}},
        {"b",
         {{"trial_id", b.trial.id}, {"trial", b.trial.name}, {"sweep", b.trial.sweep}, {"result", b.result}}},
        {"settings", DifferencesJson(settings)},
        {"split", split},
        {"documents", documents}};
    return Dump(json, 2) + "\n";
  }
  std::string text;
  for (const auto& [label, side] : {std::pair("A", &a), {"B", &b}})
    text += Printable(fmt::format("{}: '{}' of sweep {} ({})", label, side->trial.name, side->trial.sweep,
                                  side->trial.id)) +
            "\n";
  for (const auto& [column, what] :
       {std::pair("data_fingerprint", "documents"), {"model_fingerprint", "base models"}}) {
    if (At(a.result, column) != At(b.result, column) && IsSet(At(a.result, column)) &&
        IsSet(At(b.result, column)))
      text += fmt::format("They are of different {}: their scores cannot be compared.\n", what);
  }
  settings.insert(settings.begin(), {"", "A", "B"});
  text += settings.size() > 1 ? "\nSettings that differ\n" + Rows(settings) : "\nNo setting differs.\n";
  text += "\nScores on test in percent, and costs\n" + MetricsText(a, b);
  if (request.documents == 0) return text;
  text += documents.empty()
              ? fmt::format("\nThey have no document of {} in common.\n", split)
              : fmt::format("\nThe {} documents of {} whose ROUGE-1 changed most\n", documents.size(), split);
  for (const Json& document : documents)
    text += DocumentText(document, static_cast<std::size_t>(request.columns));
  return text;
}

}  // namespace lorikeet::report
