#include "sweeps/sweepctl/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "common/files.h"
#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {
namespace {

using Json = nlohmann::ordered_json;

// Shares of texts that may be cut without a word.
constexpr double kSourcesCut = 0.2, kTargetsCut = 0.1, kUnknown = 0.02;
// Lester et al. train prompts at 0.3, and find smaller rates worse by far; peft's examples begin at 3e-2.
constexpr double kLowPromptRate = 0.02;
constexpr double kNearlyAll = 0.9;  // of resources.memory

std::string Percent(double share) { return fmt::format("{:.0f} %", 100 * share); }

std::string Plural(std::int64_t count, const std::string& what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// One line for all splits of which so much is cut: of the first it says how long texts are.
void AddCut(const Json& data, const std::vector<std::string>& splits, const std::string& what,
            double tolerated, Findings& findings) {
  std::string shares, lengths;
  std::int64_t limit = 0;
  for (const Json& split : data["splits"]) {
    const std::string name = split.value("split", "");
    const Json& of = split[what + "_tokens"];
    const double share = of.value("share_cut", 0.0);
    if (share <= tolerated || std::find(splits.begin(), splits.end(), name) == splits.end()) continue;
    if (shares.empty()) {
      limit = of.value("limit", std::int64_t{0});
      lengths = fmt::format("half of {} have {} tokens or more, and one in twenty {}", name,
                            of.value("p50", std::int64_t{0}), of.value("p95", std::int64_t{0}));
    }
    shares += fmt::format("{}{} of {}", shares.empty() ? "" : ", ", Percent(share), name);
  }
  if (shares.empty()) return;
  findings.warnings.push_back(fmt::format("{}s longer than max_{}_tokens ({}) lose their ends: {}; {}", what,
                                          what, limit, shares, lengths));
}

void AddOverlap(const Json& overlap, Findings& findings) {
  const std::string first = overlap["splits"][0], second = overlap["splits"][1];
  std::string examples;
  for (const Json& pair : overlap["examples"]) {
    const std::string one = pair[0], other = pair[1];
    if (!examples.empty()) examples += ", ";
    examples += one == other ? one : fmt::format("{} = {}", one, other);
  }
  const std::string meaning =
      first == "train" ? fmt::format("; scores on {} are of what was trained on", second) : "";
  findings.warnings.push_back(fmt::format("{} and {} share {} and {} ({}){}", first, second,
                                          Plural(overlap.value("same_text", std::int64_t{0}), "article"),
                                          Plural(overlap.value("same_id", std::int64_t{0}), "id"), examples,
                                          meaning));
}

}  // namespace

std::string ModelName(const std::string& folder) {
  std::string name = std::filesystem::path(folder).lexically_normal().filename().string();
  if (const auto text = ReadFile(folder + "/config.json"); text.ok()) {
    const Json config = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
    if (config.is_object() && config.contains("_name_or_path") && config["_name_or_path"].is_string()) {
      name += " " + config["_name_or_path"].get<std::string>();
    }
  }
  return name;
}

void AddSettingsFindings(const spec::Sweep& sweep, const std::string& model_name, Findings& findings) {
  std::string lower = model_name;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  bool generates = false, prefix = false;
  for (const spec::Configuration& configuration : sweep.configurations) {
    const Trial& trial = configuration.trial;
    generates = generates || trial.method != Method::kLead;
    prefix = prefix || !trial.data.source_prefix.empty();
    const double rate = trial.train.learning_rate.value_or(kLowPromptRate);
    if (trial.method == Method::kPrompt && rate < kLowPromptRate) {
      findings.warnings.push_back(
          fmt::format("{}: a learning_rate of {} is low for a prompt, which is few numbers behind a frozen "
                      "model: 0.3 is usual",
                      configuration.name, rate));
    }
  }
  if (generates && !prefix && lower.find("flan") != std::string::npos) {
    findings.warnings.push_back(
        "data.source_prefix is empty, and the model looks like a Flan-T5, which was taught to be told what "
        "to do: "
        "source_prefix: \"summarize: \"");
  }
}

void AddDataFindings(const spec::Sweep& sweep, const Json& data, Findings& findings) {
  for (const Json& warning : data["warnings"]) findings.warnings.push_back(warning.get<std::string>());
  std::int64_t most_new = 0;
  for (const spec::Configuration& configuration : sweep.configurations) {
    if (configuration.trial.method != Method::kLead) {
      most_new = std::max(most_new, configuration.trial.evaluate.max_new_tokens);
    }
  }
  AddCut(data, {"train", "validation", "test"}, "source", kSourcesCut, findings);
  AddCut(data, {"train"}, "target", kTargetsCut, findings);  // references are scored whole
  for (const Json& split : data["splits"]) {
    const std::string name = split.value("split", "");
    if (const auto repeated = split.value("repeated_texts", std::int64_t{0}); repeated > 0) {
      findings.warnings.push_back(fmt::format("{}: {} came before in the same split under another id", name,
                                              Plural(repeated, "article")));
    }
    if (const double unknown = split.value("share_unknown", 0.0); unknown > kUnknown) {
      findings.warnings.push_back(fmt::format(
          "{}: the model's tokenizer does not know {:.0f} % of the tokens, and can neither read nor "
          "write them: is it of the data's language?",
          name, 100 * unknown));
    }
    const auto half = split["target_tokens"].value("p50", std::int64_t{0});
    if (name == "test" && most_new > 0 && half > most_new) {
      findings.warnings.push_back(
          fmt::format("test: half of the references have {} tokens or more, and evaluate.max_new_tokens is "
                      "{}: summaries cannot "
                      "be as long",
                      half, most_new));
    }
  }
  for (const Json& overlap : data["overlaps"]) AddOverlap(overlap, findings);
}

void AddWorkFindings(const spec::Configuration& configuration, const Json& work, Findings& findings) {
  for (const Json& warning : work.value("warnings", Json::array())) {
    findings.warnings.push_back(configuration.name + ": " + warning.get<std::string>());
  }
  const std::int64_t allowed = configuration.trial.resources.memory_bytes.value_or(0);
  const auto peak = work.value("peak_memory_bytes", std::int64_t{0});
  const bool failed = !work.value("failure", Json()).is_null();  // which says it better
  if (!failed && allowed > 0 && static_cast<double>(peak) > kNearlyAll * static_cast<double>(allowed)) {
    findings.warnings.push_back(fmt::format("{}: took {} of the {} of resources.memory", configuration.name,
                                            FormatBytes(peak), FormatBytes(allowed)));
  }
}

}  // namespace lorikeet::sweepctl
