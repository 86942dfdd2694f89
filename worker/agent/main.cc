#include <CLI/CLI.hpp>
#include <cstdio>

#include "common/command_line.h"
#include "common/logging.h"
#include "common/rpc/channel.h"
#include "worker/agent/duration.h"
#include "worker/agent/worker.h"

namespace {

using namespace lorikeet;  // NOLINT(google-build-using-namespace): the program's own

StatusOr<int> Run(agent::WorkerOptions options, const std::string& devices, const std::string& orphan_after,
                  const std::string& drain_limit, const std::string& log_level) {
  RETURN_IF_ERROR(StartLogging(log_level));
  rpc::RouteGrpcLog();
  ASSIGN_OR_RETURN(options.slots.devices, agent::ParseDevices(devices));
  ASSIGN_OR_RETURN(options.orphan_after, agent::ParseDuration(orphan_after));
  ASSIGN_OR_RETURN(options.drain_limit, agent::ParseDuration(drain_limit));
  ASSIGN_OR_RETURN(const auto worker,
                   agent::Worker::Create(options, agent::RealDevices(), RealClock(), SystemRandom()));
  const agent::Outcome outcome = worker->Run();
  if (!outcome.message.empty()) fmt::print(stderr, "sweep-worker: {}\n", outcome.message);
  return outcome.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Runs trials on this host for a coordinator", "sweep-worker");
  PrepareCommandLine(app);
  agent::WorkerOptions options;
  options.handle_signals = true;
  std::string devices = "auto", orphan_after = "1h", drain_limit = "60s", log_level = "info";
  app.add_option("--coordinator", options.coordinator,
                 "ADDR:PORT; else LORIKEET_COORDINATOR, else 127.0.0.1:7070");
  app.add_option("--dir", options.folder,
                 "Folder of this worker alone: identity, events not handed in, checkpoints")
      ->required();
  app.add_option("--devices", devices, "auto, cpu, cuda or cuda:0,1")->capture_default_str();
  app.add_option("--slots", options.slots.slots, "How many trials at once on the CPU (a GPU is one slot)");
  app.add_option("--threads", options.slots.threads, "CPU threads of each slot; else an equal share");
  app.add_option(
      "--token-file", options.token_file,
      "File with the coordinator's token; else LORIKEET_TOKEN_FILE, else where it left it on this host");
  app.add_option("--tls-ca", options.tls_ca,
                 "Certificates to trust (PEM); needed beyond loopback; else LORIKEET_TLS_CA");
  app.add_option("--orphan-after", orphan_after,
                 "How long trials go on beyond their lease without a coordinator")
      ->capture_default_str();
  app.add_option("--drain-limit", drain_limit, "How long SIGTERM waits for checkpoints to be handed back")
      ->capture_default_str();
  app.add_option("--trainer", options.trainer, "Path of sweep-trainer; else beside this program");
  app.add_option("--log-level", log_level, "debug, info, warning or error")->capture_default_str();
  if (const auto exit_code = ParseCommandLine(app, argc, argv)) return *exit_code;
  const StatusOr<int> done = Run(std::move(options), devices, orphan_after, drain_limit, log_level);
  return done.ok() ? *done : ExitWith(done.status(), "sweep-worker");
}
