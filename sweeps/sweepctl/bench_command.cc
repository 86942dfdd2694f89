// The flags of `sweepctl bench`.
#include "sweeps/sweepctl/bench.h"
#include "sweeps/sweepctl/commands.h"
#include "sweeps/sweepctl/trainer_program.h"

namespace lorikeet::sweepctl {

void Commands::AddBench(CLI::App& app) {
  CLI::App* bench = AddRemote(app, "bench", "Measure here how long a sweep's adapters take to summarize");
  bench->add_option("sweep", bench_.sweep, "An id or a name")->required();
  bench->add_option("--rows", bench_.rows, "Only configurations whose name holds this");
  bench->add_option("--seed", bench_.seed, "Whose adapters (default: the first that has a result)");
  bench->add_option("--documents", bench_.documents, "The first N documents of the test split")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  bench->add_option("--batch", bench_.batch, "Documents at a time, for tokens a second")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  bench->add_option("--device", bench_.device,
                    "cpu or cuda:N (default: the first GPU of this machine, else its CPUs)");
  bench->add_option("--threads", bench_.threads, "CPU threads; 0: the sweep's, else every core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  bench->add_flag("--beside", bench_.beside, "Also where trials run on this host; keeps nothing then");
  bench->add_option("--model", bench_.model, "The base model's folder, where it is not the sweep's here");
  bench->add_option("--input", bench_.input, "Documents, in place of the sweep's test split");
  bench->add_option("--format", bench_.format, "Of the table")
      ->check(CLI::IsMember({"text", "markdown", "csv", "json"}))
      ->capture_default_str();
  bench->add_flag_callback(
      "--json", [this] { bench_.format = "json"; }, "The same as --format json");
  bench->add_option("--db", database_, "A results.db (or its folder), read without a coordinator");
  Do(bench, [this]() -> Status {
    bench_.programs = ProgramFolder();
    ASSIGN_OR_RETURN(const Extractor extractor, Extractor::Open(database_, client_));
    return Bench(extractor, bench_);
  });
}

}  // namespace lorikeet::sweepctl
