#include "sweeps/sweepctl/submit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>

#include "common/build_info.h"
#include "common/files.h"
#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {

StatusOr<SweepFile> ReadSweepFile(const std::string& path, bool check_files) {
  SweepFile file;
  std::error_code error;
  file.path = std::filesystem::absolute(path, error).lexically_normal().string();
  if (error) return InvalidArgument("{}: {}", path, error.message());
  if (std::filesystem::is_directory(file.path, error)) {
    return InvalidArgument("{}: a folder; a sweep file is wanted", path);
  }
  ASSIGN_OR_RETURN(file.text, ReadFile(path));
  spec::ParseOptions options;
  options.file = path;
  options.check_files = check_files;
  options.environment = spec::ProcessEnvironment();
  ASSIGN_OR_RETURN(file.sweep, spec::ParseSweep(file.text, options));
  return file;
}

StatusOr<v1::SubmitResponse> SubmitSweep(Client& client, const SweepFile& file) {
  v1::SubmitRequest request;
  request.set_protocol_version(kProtocolVersion);
  request.set_text(file.text);
  request.set_file(file.path);
  // The coordinator reads the file anew and has another environment: send the variables that the text names.
  static const std::regex kVariable(R"(\$\{([A-Za-z_][A-Za-z0-9_]*))");
  for (std::sregex_iterator match(file.text.begin(), file.text.end(), kVariable), end; match != end;
       ++match) {
    const std::string name = (*match)[1];
    if (const char* value = std::getenv(name.c_str())) (*request.mutable_variables())[name] = value;
  }
  return client.Submit(request);
}

std::string DescribeTrials(const SweepFile& file) {
  std::vector<std::vector<std::string>> rows = {{"TRIAL", "CONFIGURATION", "SEED"}};
  for (const spec::PlannedTrial& trial : spec::ExpandTrials(file.sweep)) {
    const spec::Configuration& configuration = file.sweep.configurations[trial.configuration];
    const bool reference = !Trains(configuration.trial.method);
    rows.push_back({trial.name, configuration.name, reference ? "-" : std::to_string(trial.seed)});
  }
  const auto count = [](std::size_t number, const char* what) {
    return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
  };
  const auto candidates = static_cast<std::size_t>(
      std::count_if(file.sweep.configurations.begin(), file.sweep.configurations.end(),
                    [](const spec::Configuration& one) { return one.candidate_of.has_value(); }));
  std::string tuned;
  if (candidates > 0) {
    tuned = fmt::format("; settings chosen from {}, {} each", count(candidates, "candidate"),
                        count(file.sweep.tune.seeds.size(), "tuning seed"));
  }
  return AlignColumns(rows) +
         fmt::format("{}: {}, {}; baseline {}{}\n", count(rows.size() - 1, "trial"),
                     count(file.sweep.configurations.size() - candidates, "configuration"),
                     count(file.sweep.seeds.size(), "seed"), file.sweep.baseline, tuned);
}

std::string TrialsAsJson(const SweepFile& file) {
  nlohmann::ordered_json trials = nlohmann::ordered_json::array();
  for (const spec::PlannedTrial& trial : spec::ExpandTrials(file.sweep)) {
    trials.push_back({{"name", trial.name},
                      {"configuration", file.sweep.configurations[trial.configuration].name},
                      {"seed", trial.seed}});
  }
  return nlohmann::ordered_json(
             {{"name", file.sweep.name}, {"baseline", file.sweep.baseline}, {"trials", trials}})
             .dump() +
         "\n";
}

}  // namespace lorikeet::sweepctl
