// The flags of `sweepctl preflight`.
#include "sweeps/sweepctl/commands.h"
#include "sweeps/sweepctl/preflight.h"
#include "sweeps/sweepctl/trainer_program.h"

namespace lorikeet::sweepctl {

void Commands::AddPreflight(CLI::App& app) {
  CLI::App* preflight = AddRemote(
      app, "preflight", "Look at a sweep's documents and try its arms here, before hours are spent");
  preflight->add_option("file", preflight_.file, "Sweep file")->required();
  preflight->add_option("--device", preflight_.device,
                        "cpu or cuda:N (default: the first GPU of this machine, else its CPUs)");
  preflight
      ->add_option("--threads", preflight_.threads, "CPU threads of a trial; 0: the file's, else every core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  preflight->add_option("--slots", preflight_.slots, "How many slots the sweep would have, for the forecast")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  preflight->add_flag("--no-past", no_past_, "Forecast from what is measured here alone; ask no coordinator");
  preflight->add_flag("--json", json_, "Print the report as JSON");
  Do(preflight, [this] {
    preflight_.programs = ProgramFolder();
    preflight_.json = json_;
    preflight_.asks = !no_past_;
    preflight_.client = client_;
    return Preflight(preflight_);
  });
}

}  // namespace lorikeet::sweepctl
