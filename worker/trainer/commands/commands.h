// The subcommands of sweep-trainer. Each function adds one to `app`; when it is the one that was asked for,
// it runs inside CLI11's parse and leaves its exit code in `exit_code`.
#pragma once

#include <CLI/CLI.hpp>

namespace lorikeet::trainer {

void AddTrainCommand(CLI::App& app, int& exit_code);
void AddGenerateCommand(CLI::App& app, int& exit_code);
void AddLossCommand(CLI::App& app, int& exit_code);
void AddBenchCommand(CLI::App& app, int& exit_code);
void AddPreflightCommand(CLI::App& app, int& exit_code);
void AddRougeCommand(CLI::App& app, int& exit_code);
void AddMergeCommand(CLI::App& app, int& exit_code);
void AddPretrainCommand(CLI::App& app, int& exit_code);

}  // namespace lorikeet::trainer
