#include <CLI/CLI.hpp>

#include "common/command_line.h"
#include "worker/trainer/commands/commands.h"

int main(int argc, char** argv) {
  CLI::App app("Trains, evaluates, generates and scores: one trial, or one file, without any service",
               "sweep-trainer");
  lorikeet::PrepareCommandLine(app);
  app.require_subcommand(1);
  int exit_code = lorikeet::kExitDone;
  lorikeet::trainer::AddTrainCommand(app, exit_code);
  lorikeet::trainer::AddGenerateCommand(app, exit_code);
  lorikeet::trainer::AddLossCommand(app, exit_code);
  lorikeet::trainer::AddBenchCommand(app, exit_code);
  lorikeet::trainer::AddPreflightCommand(app, exit_code);
  lorikeet::trainer::AddRougeCommand(app, exit_code);
  lorikeet::trainer::AddMergeCommand(app, exit_code);
  lorikeet::trainer::AddPretrainCommand(app, exit_code);
  if (const auto early = lorikeet::ParseCommandLine(app, argc, argv)) return *early;
  return exit_code;
}
