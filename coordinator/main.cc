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
  std::string log_level = "info", log_format = "text", http = "127.0.0.1:7071";
  app.add_option("--data", options.data, "Folder of the state: results.db, the tokens")->required();
  app.add_option("--listen", options.listen, "ADDR:PORT for workers and sweepctl; port 0 takes a free one")
      ->capture_default_str();
  const CLI::Option* const http_given =
      app.add_option("--http", http, "ADDR:PORT for the page, Prometheus and health probes, or off")
          ->capture_default_str();
  app.add_option("--tls-certificate", options.tls.certificate, "PEM file; needed beyond loopback");
  app.add_option("--tls-key", options.tls.key, "PEM file; needed beyond loopback");
  app.add_option("--tls-client-ca", options.tls.ca,
                 "PEM file: workers must show a certificate of this CA; sweepctl need not");
  app.add_option("--token-file", options.token_file,
                 "On loopback: file with the token of every role, else one is made. Beyond it tokens have "
                 "roles: deploy/make-token.sh");
  app.add_option("--port-file", options.port_file, "Write ADDR:PORT there once calls are answered");
  app.add_option("--lease", options.lease_seconds,
                 "Seconds that a worker keeps an attempt without being heard of")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str();
  app.add_option("--max-artifact", options.most_artifact_bytes,
                 "Size of a checkpoint or an adapter that workers may send: bytes, or 500MiB, 2GiB")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("1GiB");
  app.add_option("--log-level", log_level, "debug, info, warning or error")->capture_default_str();
  app.add_option("--log-format", log_format, "text or json: one JSON object a line")->capture_default_str();
  lorikeet::PrepareCommandLine(app);
  if (const auto exit_code = lorikeet::ParseCommandLine(app, argc, argv)) return *exit_code;
  if (http != "off") options.http = http;
  options.http_needed = http_given->count() > 0;
  lorikeet::BlockEndingSignals();
  if (const auto status = lorikeet::StartLogging(log_level, log_format); !status.ok()) {
    return lorikeet::ExitWith(status, app.get_name());
  }
  lorikeet::rpc::PrepareGrpc();
  return lorikeet::ExitWith(lorikeet::RunCoordinator(options), app.get_name());
}
