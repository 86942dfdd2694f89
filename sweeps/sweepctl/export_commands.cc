// The subcommands that hand out what is in the results database.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "sweeps/sweepctl/commands.h"
#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {

void Commands::AddExports(CLI::App& app) {
  report::ExtractRequest& request = extract_.request;
  const auto add = [&](const std::string& name, const std::string& help) {
    CLI::App* command = AddRemote(app, name, help);
    command->add_option("--db", database_, "A results.db (or its folder), read without a coordinator");
    Do(command, [this, name]() -> Status {
      extract_.request.what = name;
      if (const auto columns = TerminalColumns(STDOUT_FILENO)) {
        extract_.request.columns =
            std::clamp(static_cast<std::int64_t>(*columns), report::kLeastColumns, report::kMostColumns);
      }
      ASSIGN_OR_RETURN(const Extractor extractor, Extractor::Open(database_, client_));
      return PrintExtract(extractor, extract_);
    });
    return command;
  };

  CLI::App* predictions = add("predictions", "Print a sweep's summaries with their scores, a JSON line each");
  predictions->add_option("sweep", request.name, "An id or a name")->required();
  predictions->add_option("--split", request.split, "Of one split (default: both)")
      ->check(CLI::IsMember({"test", "validation"}));
  predictions->add_option("--configuration", request.configuration,
                          "Of one configuration, as the table names it");
  predictions->add_option_function<std::int64_t>(
      "--seed", [&request](const std::int64_t& seed) { request.seed = seed; }, "Of one seed");
  predictions->add_option("--out", extract_.out, "A file instead of standard output");

  CLI::App* reproduce =
      add("reproduce", "Print a script that runs a trial again, and what must be the same for it");
  reproduce->add_option("trial", request.name, "An id or a name")->required();

  CLI::App* methods = add("methods", "Print a paragraph on how a sweep was made, for a paper");
  methods->add_option("sweep", request.name, "An id or a name")->required();

  CLI::App* diff =
      add("diff", "Put two trials beside each other: settings, scores, the summaries that changed most");
  diff->add_option("trial", request.name, "An id or a name")->required();
  diff->add_option("other", request.other, "The other trial")->required();
  diff->add_option("--documents", request.documents, "How many that changed most")
      ->check(CLI::Range(std::int64_t{0}, report::kMostDiffDocuments))
      ->capture_default_str();
  diff->add_option("--split", request.split, "Whose documents (default: test)")
      ->check(CLI::IsMember({"test", "validation"}));

  for (CLI::App* command : {reproduce, diff}) command->add_flag("--json", request.json, "Print JSON");

  CLI::App* exporter =
      AddRemote(app, "export", "Write a sweep for TensorBoard, MLflow, as CSV, or as a model card");
  exporter->add_option("sweep", export_.sweep, "An id or a name")->required();
  exporter->add_option("--format", export_.format, "Of what is written")
      ->required()
      ->check(CLI::IsMember({"tensorboard", "mlflow", "csv", "parquet", "card"}));
  exporter->add_option("--out", export_.out, "The new folder");
  exporter->add_option("--to", export_.to,
                       "mlflow: the server, http://HOST:PORT (else $MLFLOW_TRACKING_URI)");
  exporter->add_option("--trial", export_.trial,
                       "card: of this trial (default: the adapter that is best on validation)");
  exporter->add_option("--base-model", export_.base_model, "card: the base model as the hub calls it");
  exporter->add_flag("--without-adapter", export_.without_adapter,
                     "card: alone, without the adapter's files");
  exporter->add_option("--db", database_, "A results.db (or its folder), read without a coordinator");
  Do(exporter, [this]() -> Status {
    ASSIGN_OR_RETURN(const Extractor extractor, Extractor::Open(database_, client_));
    return Export(extractor, export_);
  });
}

}  // namespace lorikeet::sweepctl
