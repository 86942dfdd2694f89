// sweepctl's subcommands and their flags.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "common/status.h"
#include "sweeps/sweepctl/bench.h"
#include "sweeps/sweepctl/client.h"
#include "sweeps/sweepctl/export.h"
#include "sweeps/sweepctl/extract.h"
#include "sweeps/sweepctl/fetch.h"
#include "sweeps/sweepctl/import.h"
#include "sweeps/sweepctl/plot.h"
#include "sweeps/sweepctl/preflight.h"
#include "sweeps/sweepctl/run.h"
#include "sweeps/sweepctl/scores.h"
#include "sweeps/sweepctl/table.h"

namespace lorikeet::sweepctl {

// Adds the subcommands to `app` in its constructor; Run does the one that was parsed. Lives as long as the
// app.
class Commands {
 public:
  explicit Commands(CLI::App& app);
  Status Run();

 private:
  // A subcommand that talks to a coordinator: adds --coordinator, --token-file, --tls-ca.
  CLI::App* AddRemote(CLI::App& app, const std::string& name, const std::string& help);
  void Do(CLI::App* command, std::function<Status()> action);
  void AddRun(CLI::App& app);
  void AddPreflight(CLI::App& app);
  void AddBench(CLI::App& app);
  void AddSubmit(CLI::App& app);
  void AddSchema(CLI::App& app);
  void AddLooks(CLI::App& app);
  void AddTable(CLI::App& app);
  void AddPlot(CLI::App& app);
  void AddActs(CLI::App& app);
  void AddMaintenance(CLI::App& app);
  void AddFiles(CLI::App& app);
  void AddExports(CLI::App& app);
  void AddScores(CLI::App& app);
  Status Submit();
  Status Table();
  // Runs `action` with a connected client.
  Status WithClient(const std::function<Status(Client&)>& action);

  std::function<Status()> action_;
  ClientOptions client_;
  RunOptions run_;
  FetchOptions fetch_;
  TableOptions table_;
  ImportOptions import_;
  ScoreOptions score_;
  PlotOptions plot_;
  PreflightOptions preflight_;
  BenchOptions bench_;
  ExtractOptions extract_;
  ExportOptions export_;
  std::string file_, name_, trial_, format_ = "text", schema_format_ = "json", database_, copy_;
  bool follow_ = false, dry_run_ = false, json_ = false, undo_ = false, names_ = false, no_past_ = false;
  std::int64_t priority_ = 0;
};

}  // namespace lorikeet::sweepctl
