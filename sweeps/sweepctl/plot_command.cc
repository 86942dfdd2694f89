// The flags of `sweepctl plot`.
#include "sweeps/sweepctl/commands.h"
#include "sweeps/sweepctl/plot.h"

namespace lorikeet::sweepctl {

void Commands::AddPlot(CLI::App& app) {
  CLI::App* plot = AddRemote(app, "plot", "Draw a sweep: into an SVG, PNG or PDF, or onto the terminal");
  plot->add_option("sweep", plot_.sweep, "An id or a name")->required();
  plot->add_option(
          "--kind", plot_.kind,
          "sensitivity (to a rank, to prompt tokens), curves (of training) or pareto (quality and costs)")
      ->capture_default_str();
  plot->add_option(
      "--metric", plot_.metric,
      "rouge1, rouge2, rougeL or rougeLsum (default: the sweep's primary one); of curves any that trials "
      "report (default: train_loss)");
  plot->add_option("--axis", plot_.axis, "Of sensitivity: this one alone (rank, tokens, …)");
  plot->add_option("--cost", plot_.cost, "Of pareto: this one alone (train_seconds, adapter_bytes, …)");
  plot->add_option("--out", plot_.out, "FILE.svg, FILE.png or FILE.pdf (default: the terminal)");
  plot->add_option(
      "--width", plot_.width,
      "In points, 72 an inch (default: 252, a column, or 504, a page); of the terminal: columns");
  plot->add_option("--height", plot_.height,
                   "In points (default: as the plots need); of the terminal: rows of each plot");
  plot->add_option("--db", plot_.database, "A results.db (or its folder), read without a coordinator");
  Do(plot, [this] { return PlotSweep(plot_, [this] { return Client::Create(client_); }); });
}

}  // namespace lorikeet::sweepctl
