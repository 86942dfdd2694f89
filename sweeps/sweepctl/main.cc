// sweepctl: composes the commands.

#include <CLI/CLI.hpp>
#include <cstdio>

#include "common/command_line.h"
#include "common/rpc/channel.h"
#include "sweeps/sweepctl/commands.h"

int main(int argc, char** argv) {
  CLI::App app("Submits sweeps, watches them and prints their tables", "sweepctl");
  lorikeet::PrepareCommandLine(app);
  lorikeet::sweepctl::Commands commands(app);
  if (const auto ended = lorikeet::ParseCommandLine(app, argc, argv)) return *ended;
  lorikeet::rpc::PrepareGrpc();
  const int exit_code = lorikeet::ExitWith(commands.Run(), app.get_name());
  // A full disk or a closed pipe: what was to be printed is not there.
  if (std::fflush(stdout) != 0 && exit_code == lorikeet::kExitDone) return lorikeet::kExitFailed;
  return exit_code;
}
