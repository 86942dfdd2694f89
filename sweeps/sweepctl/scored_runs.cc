#include "sweeps/sweepctl/scored_runs.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "common/json.h"
#include "common/nearest.h"
#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {
namespace {

constexpr std::size_t kMostNameBytes = 256;  // of a row from elsewhere; the coordinator's limit

// The names of a few documents, for messages.
std::string Some(const std::vector<std::string>& ids) {
  constexpr std::size_t kMost = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(kMost, ids.size()); ++i) {
    text += fmt::format("{}'{}'", i > 0 ? ", " : "", Printable(std::string(Utf8Prefix(ids[i], 80))));
  }
  return ids.size() > kMost ? fmt::format("{} and {} more", text, ids.size() - kMost) : text;
}

bool HasControl(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

// A run under way: which documents it has, and on which line each came.
struct Open {
  FileRun run;
  std::vector<std::int64_t> line_of;  // by document; 0: it has not come
  std::int64_t first_line = 0;
};

class Reader {
 public:
  Reader(LineKind kind, const Scoring& scoring) : kind_(kind), scoring_(scoring) {
    for (std::size_t i = 0; i < scoring.references.size(); ++i)
      document_.emplace(scoring.references[i].first, i);
    for (const SweepTrial& trial : scoring.trials) {
      trial_.emplace(trial.id, &trial);
      trial_.emplace(trial.name, &trial);
      trial_.emplace(scoring.sweep + "/" + trial.name, &trial);
    }
  }

  Status Add(std::int64_t number, const std::string& line) {
    ASSIGN_OR_RETURN(const nlohmann::json json, ParseJson(line));
    if (!json.is_object()) return InvalidArgument("{}, where an object would be right", JsonKind(json));
    ASSIGN_OR_RETURN(const auto run, RunOf(json));
    ASSIGN_OR_RETURN(const std::string id, TextAt(json, "id"));
    const auto document = document_.find(id);
    if (document == document_.end()) {
      return InvalidArgument("id '{}': sweep {} has no such document in its test split",
                             Printable(std::string(Utf8Prefix(id, 200))), Printable(scoring_.sweep));
    }
    Open& open = OpenFor(run, number);
    std::int64_t& line_of = open.line_of[document->second];
    if (line_of != 0) {
      return InvalidArgument("id '{}' of '{}', seed {}, stands on line {} already", Printable(id),
                             Printable(run.first), run.second, line_of);
    }
    line_of = number;
    RunDocument& to = open.run.documents[document->second];
    if (kind_ == LineKind::kSummaries) {
      ASSIGN_OR_RETURN(to.text, TextAt(json, "text"));
      return absl::OkStatus();
    }
    const auto score = json.find("score");
    if (score == json.end()) return InvalidArgument("no \"score\"");
    if (!score->is_number()) {
      return InvalidArgument("\"score\": {}, where a number would be right", JsonKind(*score));
    }
    to.score = score->get<double>();
    return std::isfinite(to.score) ? absl::OkStatus() : InvalidArgument("\"score\": no finite number");
  }

  // Each run whole.
  StatusOr<std::vector<FileRun>> Take() {
    std::vector<FileRun> runs;
    for (Open& open : runs_) {
      std::vector<std::string> missing;
      for (std::size_t i = 0; i < open.line_of.size(); ++i) {
        if (open.line_of[i] == 0) missing.push_back(scoring_.references[i].first);
      }
      if (!missing.empty()) {
        return InvalidArgument(
            "'{}', seed {}, which begins on line {}: {} of {} documents are there; {} {} missing",
            Printable(open.run.configuration), open.run.seed, open.first_line,
            open.line_of.size() - missing.size(), open.line_of.size(), Some(missing),
            missing.size() == 1 ? "is" : "are");
      }
      runs.push_back(std::move(open.run));
    }
    if (runs.empty()) return InvalidArgument("there is no line in it");
    return runs;
  }

 private:
  using Key = std::pair<std::string, std::int64_t>;

  static StatusOr<std::string> TextAt(const nlohmann::json& json, const char* key) {
    const auto found = json.find(key);
    if (found == json.end()) return InvalidArgument("no \"{}\"", key);
    if (!found->is_string()) {
      return InvalidArgument("\"{}\": {}, where a string would be right", key, JsonKind(*found));
    }
    return found->get<std::string>();
  }

  StatusOr<Key> RunOf(const nlohmann::json& json) const {
    if (kind_ == LineKind::kScores && json.contains("trial")) {
      ASSIGN_OR_RETURN(const std::string name, TextAt(json, "trial"));
      const auto trial = trial_.find(name);
      if (trial == trial_.end()) {
        return InvalidArgument("sweep {} has no trial '{}'", Printable(scoring_.sweep),
                               Printable(std::string(Utf8Prefix(name, 200))));
      }
      const Key key{trial->second->configuration, trial->second->seed};
      if (!open_.contains(key)) RETURN_IF_ERROR(CheckResult(*trial->second));
      return key;
    }
    ASSIGN_OR_RETURN(const std::string configuration, TextAt(json, "configuration"));
    const auto seed = json.find("seed");
    if (seed == json.end()) return InvalidArgument("no \"seed\"");
    if (!seed->is_number_integer() ||
        (seed->is_number_unsigned() && seed->get<std::uint64_t>() > (std::uint64_t{1} << 53))) {
      return InvalidArgument("\"seed\": {}, where a whole number would be right", seed->dump());
    }
    const Key key{configuration, seed->get<std::int64_t>()};
    // Once a run: it has many lines, and the sweep perhaps many trials.
    if (!open_.contains(key)) {
      RETURN_IF_ERROR(kind_ == LineKind::kSummaries ? CheckNew(configuration) : CheckKnown(key));
    }
    return key;
  }

  Status CheckResult(const SweepTrial& trial) const {
    if (trial.state == "succeeded") return absl::OkStatus();
    return InvalidArgument("trial '{}' is {}: it has no summaries to score", Printable(trial.name),
                           trial.state);
  }

  Status CheckNew(const std::string& name) const {
    if (name.empty()) return InvalidArgument("\"configuration\": is empty; it names the row");
    if (name.size() > kMostNameBytes) {
      return InvalidArgument("\"configuration\": {} bytes; at most {}", name.size(), kMostNameBytes);
    }
    if (HasControl(name)) {
      return InvalidArgument("\"configuration\": control characters in '{}'; it is one line of text",
                             Printable(name));
    }
    for (const SweepTrial& trial : scoring_.trials) {
      if (trial.configuration != name) continue;
      return InvalidArgument("sweep {} has a configuration '{}' of its own: give the row another name",
                             Printable(scoring_.sweep), Printable(name));
    }
    return absl::OkStatus();
  }

  Status CheckKnown(const Key& key) const {
    std::vector<std::int64_t> seeds;
    for (const SweepTrial& trial : scoring_.trials) {
      if (trial.configuration != key.first) continue;
      if (trial.seed == key.second) return CheckResult(trial);
      seeds.push_back(trial.seed);
    }
    if (const auto row = scoring_.imported.find(key.first); row != scoring_.imported.end()) {
      seeds = row->second;
      if (std::find(seeds.begin(), seeds.end(), key.second) != seeds.end()) return absl::OkStatus();
    }
    if (!seeds.empty()) {
      return InvalidArgument("'{}' has no seed {}; it has {}", Printable(key.first), key.second,
                             fmt::join(seeds, ", "));
    }
    std::vector<std::string> names;
    for (const SweepTrial& trial : scoring_.trials) {
      if (names.empty() || names.back() != trial.configuration) names.push_back(trial.configuration);
    }
    for (const auto& [name, of_row] : scoring_.imported) names.push_back(name);
    return InvalidArgument("sweep {} has no configuration '{}'{}", Printable(scoring_.sweep),
                           Printable(std::string(Utf8Prefix(key.first, 200))), DidYouMean(key.first, names));
  }

  Open& OpenFor(const Key& key, std::int64_t number) {
    const auto [at, fresh] = open_.emplace(key, runs_.size());
    if (fresh) {
      Open& open = runs_.emplace_back();
      open.run.configuration = key.first;
      open.run.seed = key.second;
      open.run.documents.resize(scoring_.references.size());
      open.line_of.resize(scoring_.references.size());
      open.first_line = number;
    }
    return runs_[at->second];
  }

  const LineKind kind_;
  const Scoring& scoring_;
  std::unordered_map<std::string_view, std::size_t> document_;  // by id
  std::unordered_map<std::string, const SweepTrial*> trial_;    // by id and by name
  std::map<Key, std::size_t> open_;
  std::vector<Open> runs_;
};

}  // namespace

StatusOr<Scoring> ReadScoring(const Extractor& extractor, const std::string& sweep) {
  report::ExtractRequest request;
  request.what = "scoring";
  request.name = sweep;
  ASSIGN_OR_RETURN(const std::string text, extractor.ReadAll(request));
  Scoring scoring;
  std::size_t at = 0;
  try {
    for (std::size_t end; at < text.size(); at = end + 1) {
      end = std::min(text.find('\n', at), text.size());
      const auto line = nlohmann::json::parse(std::string_view(text).substr(at, end - at));
      if (at > 0) {
        scoring.references.emplace_back(line.at("id"), line.at("text"));
        continue;
      }
      scoring.sweep = line.at("sweep");
      scoring.sweep_id = line.at("sweep_id");
      scoring.sentence_split = line.at("sentence_split");
      for (const auto& configuration : line.at("configurations")) {
        for (const auto& trial : configuration.at("trials")) {
          scoring.trials.push_back({.id = trial.at("id"),
                                    .name = trial.at("name"),
                                    .configuration = configuration.at("name"),
                                    .state = trial.at("state"),
                                    .seed = trial.at("seed")});
        }
      }
      for (const auto& row : line.at("imported"))
        scoring.imported[row.at("name")] = row.at("seeds").get<std::vector<std::int64_t>>();
    }
  } catch (const nlohmann::json::exception& error) {
    return Internal("what the coordinator says of sweep {} cannot be read: {}", sweep, error.what());
  }
  return scoring;
}

StatusOr<std::vector<FileRun>> ReadRuns(const std::string& path, LineKind kind, const Scoring& scoring) {
  std::ifstream file(path, std::ios::binary);
  std::error_code ignored;
  if (!file || std::filesystem::is_directory(path, ignored)) {
    return NotFound("{}: cannot be read; is it there, and a file?", path);
  }
  Reader reader(kind, scoring);
  std::string line;
  for (std::int64_t number = 1; std::getline(file, line); ++number) {
    if (number == 1 && (line.starts_with("\x1f\x8b") || line.starts_with("\x28\xb5\x2f\xfd"))) {
      return InvalidArgument("{}: is compressed; unpack it on the way: zcat or zstdcat FILE | … /dev/stdin",
                             path);
    }
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (const Status added = reader.Add(number, line); !added.ok()) {
      return Annotate(added, fmt::format("{}:{}", path, number));
    }
  }
  if (file.bad()) return Internal("{}: cannot be read to its end", path);
  StatusOr<std::vector<FileRun>> runs = reader.Take();
  if (!runs.ok()) return Annotate(runs.status(), path);
  return runs;
}

StatusOr<std::vector<FileRun>> RunsOfPredictions(const std::string& lines, const Scoring& scoring) {
  std::unordered_map<std::string, std::size_t> document;
  for (std::size_t i = 0; i < scoring.references.size(); ++i)
    document.emplace(scoring.references[i].first, i);
  std::vector<FileRun> runs;
  std::vector<std::size_t> filled;  // documents of each run
  try {
    for (std::size_t at = 0, end; at < lines.size(); at = end + 1) {
      end = std::min(lines.find('\n', at), lines.size());
      const auto line = nlohmann::json::parse(std::string_view(lines).substr(at, end - at));
      const std::string configuration = line.at("configuration");
      const std::int64_t seed = line.at("seed");
      if (runs.empty() || runs.back().configuration != configuration || runs.back().seed != seed) {
        runs.push_back({.configuration = configuration,
                        .seed = seed,
                        .documents = std::vector<RunDocument>(scoring.references.size())});
        filled.push_back(0);
      }
      const std::string id = line.at("id");
      const auto found = document.find(id);
      if (found == document.end()) continue;
      runs.back().documents[found->second].text = line.at("text");
      ++filled.back();
    }
  } catch (const nlohmann::json::exception& error) {
    return Internal("the summaries of sweep {} cannot be read: {}", scoring.sweep, error.what());
  }
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (filled[i] == scoring.references.size()) continue;
    return FailedPrecondition("'{}', seed {}: has summaries of {} of {} documents",
                              Printable(runs[i].configuration), runs[i].seed, filled[i],
                              scoring.references.size());
  }
  return runs;
}

}  // namespace lorikeet::sweepctl
