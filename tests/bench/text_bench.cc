// ROUGE of a file's pairs on one thread, or a file's token ids; free of Torch. Prints JSON lines. peer.py
// scores the same pairs with rouge_score; tests/parity/tokens_live.py compares the ids.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "worker/text/documents.h"
#include "worker/text/rouge.h"
#include "worker/text/string_members.h"
#include "worker/text/tokenizer.h"

namespace {

using namespace lorikeet;        // NOLINT(google-build-using-namespace): the program's own
using namespace lorikeet::text;  // NOLINT(google-build-using-namespace)

struct Options {
  std::string work, references, predictions, input, model;
  std::int64_t source = 512, repeat = 5;
};

struct Pair {
  std::string reference, prediction;
};

StatusOr<std::vector<Pair>> ReadPairs(const Options& options) {
  std::vector<Pair> pairs;
  std::unordered_map<std::string, std::size_t> at;
  StringMembers members;
  const auto read = [&](const std::string& path, const auto& take) {
    return ForEachLine(path, [&](std::int64_t, std::string& line) -> Status {
      if (!members.Read(line) || !members.Find("id") || !members.Find("text")) {
        return InvalidArgument("lines of {{\"id\", \"text\"}} would be right");
      }
      return take(*members.Find("id"), *members.Find("text"));
    });
  };
  RETURN_IF_ERROR(read(options.references, [&](std::string& id, std::string& text) -> Status {
    at.emplace(id, pairs.size());
    pairs.push_back({std::move(text), ""});
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(read(options.predictions, [&](std::string& id, std::string& text) -> Status {
    const auto found = at.find(id);
    if (found == at.end()) return InvalidArgument("no reference with the id {}", id);
    pairs[found->second].prediction = std::move(text);
    return absl::OkStatus();
  }));
  return pairs;
}

double CpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// All pairs by a new scorer, which stems every word anew, once to warm up and then `repeat` times; medians.
StatusOr<nlohmann::ordered_json> Rouge(const Options& options) {
  ASSIGN_OR_RETURN(const std::vector<Pair> pairs, ReadPairs(options));
  std::vector<double> seconds, cpu_seconds;
  double sum = 0;
  for (std::int64_t i = 0; i <= options.repeat; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const double cpu_start = CpuSeconds();
    sum = 0;
    RougeScorer scorer;
    for (const Pair& pair : pairs) {
      const RougeScores scores = scorer.Score(pair.reference, pair.prediction);
      sum += scores.rouge1.f1 + scores.rouge2.f1 + scores.rougeL.f1 + scores.rougeLsum.f1;
    }
    if (i == 0) continue;
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    cpu_seconds.push_back(CpuSeconds() - cpu_start);
  }
  return nlohmann::ordered_json{{"seconds", Median(seconds)},
                                {"cpu_seconds", Median(cpu_seconds)},
                                {"documents", pairs.size()},
                                {"sum", sum}};
}

// The ids of each document's article, a JSON list a line.
Status PrintIds(const Options& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Tokenizer> tokenizer, Tokenizer::Load(options.model));
  ReadOptions read;
  read.target_needed = false;
  ASSIGN_OR_RETURN(const Documents documents, ReadDocuments(options.input, read));
  Tokenizer::Encoder encoder(*tokenizer);
  for (const Document& document : documents.documents) {
    std::puts(nlohmann::json(encoder.Encode(document.source, options.source)).dump().c_str());
  }
  return absl::OkStatus();
}

Status Run(const Options& options) {
  if (options.work == "ids") return PrintIds(options);
  ASSIGN_OR_RETURN(const nlohmann::ordered_json result, Rouge(options));
  std::puts(result.dump().c_str());
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures ROUGE; prints token ids");
  Options options;
  app.add_option("work", options.work)->required()->check(CLI::IsMember({"rouge", "ids"}));
  app.add_option("--references", options.references, "rouge: JSONL of id and text");
  app.add_option("--predictions", options.predictions, "rouge: JSONL of id and text");
  app.add_option("--input", options.input, "ids: JSONL with articles");
  app.add_option("--model", options.model, "ids: a folder with spiece.model");
  app.add_option("--source", options.source, "ids: tokens a document");
  app.add_option("--repeat", options.repeat);
  CLI11_PARSE(app, argc, argv);
  const Status status = Run(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "text_bench: %s\n", Message(status).c_str());
  return 1;
}
