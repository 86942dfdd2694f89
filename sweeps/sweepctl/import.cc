#include "sweeps/sweepctl/import.h"

#include <fmt/format.h>

#include <cstddef>
#include <utility>

#include "sweeps/sweepctl/message_json.h"
#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {
namespace {

constexpr std::pair<const char*, const char*> kMetrics[] = {
    {"rouge1", "ROUGE-1"}, {"rouge2", "ROUGE-2"}, {"rougeL", "ROUGE-L"}, {"rougeLsum", "ROUGE-Lsum"}};

}  // namespace

void AddImportOptions(CLI::App& command, ImportOptions& options) {
  command.add_option("sweep", options.sweep, "An id or a name")->required();
  CLI::Option* row = command.add_option("--row", options.row,
                                        "A paper's: its name in the table; one that is there is replaced");
  CLI::Option* predictions = command.add_option(
      "--predictions", options.predictions,
      "JSONL of summaries made elsewhere, to be scored and tested: configuration, seed, id, text");
  CLI::Option* remove = command.add_option_function<std::string>(
      "--remove",
      [&options](const std::string& name) {
        options.remove = true;
        options.remove_row = name;
      },
      "Take the row NAME (or --row) out again");
  remove->expected(0, 1)->trigger_on_parse();
  predictions->excludes(row)->excludes(remove);
  command.add_option("--source", options.source, "Where it is from: a citation, a URL")->excludes(remove);
  for (std::size_t i = 0; i < std::size(kMetrics); ++i) {
    const auto& [name, label] = kMetrics[i];
    command.add_option(fmt::format("--{}", name), options.mean[i],
                       fmt::format("Its mean {}, in percent", label));
    command.add_option(fmt::format("--{}-sd", name), options.sd[i],
                       "Standard deviation over seeds, in percent");
  }
  command.add_option("--seeds", options.seeds, "Runs that the figures are of")->check(CLI::PositiveNumber);
  command.add_option("--trainable-parameters", options.trainable_parameters, "That it trains")
      ->check(CLI::NonNegativeNumber);
  command.add_option("--trainable-percent", options.trainable_percent, "Of base and adapter together");
}

Status Import(Client& client, const ImportOptions& options, bool json) {
  std::string name = options.row;
  if (options.remove && !options.remove_row.empty()) {
    if (!name.empty() && name != options.remove_row) {
      return InvalidArgument("import: --row '{}' and --remove '{}' name two rows", Printable(name),
                             Printable(options.remove_row));
    }
    name = options.remove_row;
  }
  if (name.empty()) {
    return InvalidArgument(
        "import: name a paper's row by --row, or runs made elsewhere by --predictions FILE, or a row to take "
        "out by --remove NAME");
  }
  if (!options.remove && options.source.empty()) {
    return InvalidArgument("import: say where the row is from, by --source 'Smith et al. 2024, table 2'");
  }
  v1::ImportRowRequest request;
  request.set_sweep(options.sweep);
  request.set_name(name);
  request.set_remove(options.remove);
  request.set_source(options.source);
  if (options.seeds) request.set_seeds(*options.seeds);
  v1::ImportRowRequest::MeanSd* const scores[] = {request.mutable_rouge1(), request.mutable_rouge2(),
                                                  request.mutable_rougel(), request.mutable_rougelsum()};
  for (std::size_t i = 0; i < std::size(scores); ++i) {
    if (options.mean[i]) scores[i]->set_mean(*options.mean[i]);
    if (options.sd[i]) scores[i]->set_sd(*options.sd[i]);
  }
  if (options.trainable_parameters) request.set_trainable_parameters(*options.trainable_parameters);
  if (options.trainable_percent) request.set_trainable_percent(*options.trainable_percent);
  ASSIGN_OR_RETURN(const v1::ImportRowResponse answer, client.ImportRow(request));
  fmt::print("{}\n", json ? ToJsonLine(answer)
                          : Printable(fmt::format("row '{}' {} the table of sweep {}", answer.name(),
                                                  answer.removed() ? "is taken out of" : "stands in",
                                                  answer.sweep())));
  return absl::OkStatus();
}

}  // namespace lorikeet::sweepctl
