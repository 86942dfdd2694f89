// sweep-coordinator: composes the flags and the process.

#include <CLI/CLI.hpp>
#include <string>

#include "common/command_line.h"
#include "common/logging.h"
#include "common/rpc/channel.h"
#include "coordinator/process.h"

int main(int argc, char** argv) {
  CLI::App app("Schedules sweeps onto workers and keeps their results", "sweep-coordinator");
  lorikeet::CoordinatorOptions options;
  std::string log_level = "info";
  app.add_option("--data", options.data, "Folder of the state: results.db, the token")->required();
  app.add_option("--listen", options.listen, "ADDR:PORT for workers and sweepctl; port 0 takes a free one")
      ->capture_default_str();
  app.add_option("--tls-certificate", options.tls_certificate, "PEM file; needed beyond loopback");
  app.add_option("--tls-key", options.tls_key, "PEM file; needed beyond loopback");
  app.add_option("--token-file", options.token_file,
                 "File with the token that calls must carry; needed beyond loopback (on it, one is made)");
  app.add_option("--port-file", options.port_file, "Write ADDR:PORT there once calls are answered");
  app.add_option("--lease", options.lease_seconds,
                 "Seconds that a worker keeps an attempt without being heard of")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str();
  app.add_option("--log-level", log_level, "debug, info, warning or error")->capture_default_str();
  lorikeet::PrepareCommandLine(app);
  if (const auto exit_code = lorikeet::ParseCommandLine(app, argc, argv)) return *exit_code;
  lorikeet::BlockEndingSignals();
  if (const auto status = lorikeet::StartLogging(log_level); !status.ok()) {
    return lorikeet::ExitWith(status, app.get_name());
  }
  lorikeet::rpc::RouteGrpcLog();
  return lorikeet::ExitWith(lorikeet::RunCoordinator(options), app.get_name());
}
