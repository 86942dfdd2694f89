#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "common/command_line.h"
#include "common/labels.h"
#include "common/logging.h"
#include "common/rpc/channel.h"
#include "worker/agent/devices.h"
#include "worker/agent/disk.h"
#include "worker/agent/duration.h"
#include "worker/agent/gpu_memory.h"
#include "worker/agent/worker.h"

namespace {

using namespace lorikeet;  // NOLINT(google-build-using-namespace): the program's own

// Options as they were typed, to be parsed.
struct Typed {
  std::vector<std::string> labels;
  std::string devices = "auto", orphan_after = "1h", drain_limit = "60s", checkpoint_every = "60s",
              prepare_limit = "30m", fetch_patience = "5m", log_level = "info", log_format = "text";
};

StatusOr<Labels> ParseLabels(const std::vector<std::string>& typed) {
  Labels labels;
  for (const std::string& text : typed) {
    ASSIGN_OR_RETURN(auto label, ParseLabel(text));
    const auto [at, is_new] = labels.insert(std::move(label));
    if (!is_new)
      return InvalidArgument("--label {}: {} has a value already, {}", text, at->first, at->second);
  }
  return labels;
}

StatusOr<int> Run(agent::WorkerOptions options, const Typed& typed) {
  umask(0077);  // others on this machine have no business with articles, summaries and weights; trainers
                // inherit it
  RETURN_IF_ERROR(StartLogging(typed.log_level, typed.log_format));
  rpc::PrepareGrpc();
  ASSIGN_OR_RETURN(options.slots.devices, agent::ParseDevices(typed.devices));
  ASSIGN_OR_RETURN(options.labels, ParseLabels(typed.labels));
  ASSIGN_OR_RETURN(options.orphan_after, agent::ParseDuration(typed.orphan_after));
  ASSIGN_OR_RETURN(options.checkpoint_every, agent::ParseDuration(typed.checkpoint_every));
  ASSIGN_OR_RETURN(options.prepare_limit, agent::ParseDuration(typed.prepare_limit));
  ASSIGN_OR_RETURN(options.fetch_patience, agent::ParseDuration(typed.fetch_patience));
  ASSIGN_OR_RETURN(options.drain_limit, agent::ParseDuration(typed.drain_limit));
  ASSIGN_OR_RETURN(const auto worker, agent::Worker::Create(options, agent::RealDevices(), agent::RealDisk(),
                                                            RealClock(), SystemRandom()));
  const agent::Outcome outcome = worker->Run();
  if (!outcome.message.empty()) fmt::print(stderr, "sweep-worker: {}\n", outcome.message);
  return outcome.exit_code;
}

// What the worker asks itself, in a child that may hang where a driver does.
int PrintGpuMemory() {
  const StatusOr<std::string> text = agent::GpuMemoryText(agent::RealDevices());
  if (!text.ok()) return ExitWith(text.status(), "sweep-worker");
  fmt::print("{}", *text);
  return kExitDone;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == agent::kGpuMemoryFlag) return PrintGpuMemory();
  CLI::App app("Runs trials on this host for a coordinator", "sweep-worker");
  PrepareCommandLine(app);
  agent::WorkerOptions options;
  options.handle_signals = true;
  Typed typed;
  app.add_option("--coordinator", options.coordinator,
                 "ADDR:PORT; else LORIKEET_COORDINATOR, else 127.0.0.1:7070");
  app.add_option("--dir", options.folder,
                 "Folder of this worker alone: identity, events not handed in, checkpoints")
      ->required();
  app.add_option("--devices", typed.devices, "auto, cpu, cuda or cuda:0,1")->capture_default_str();
  app.add_option("--slots", options.slots.slots, "How many trials at once on the CPU (a GPU is one slot)");
  app.add_option("--label", typed.labels,
                 "KEY=VALUE, for sweeps whose resources.labels ask for it; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--threads", options.slots.threads, "CPU threads of each slot; else an equal share");
  app.add_option(
      "--token-file", options.token_file,
      "File with the coordinator's token; else LORIKEET_TOKEN_FILE, else where it left it on this host");
  app.add_option("--tls-ca", options.tls.ca,
                 "Certificates to trust (PEM); needed beyond loopback; else LORIKEET_TLS_CA");
  app.add_option("--tls-certificate", options.tls.certificate,
                 "This worker's own (PEM), where the coordinator has --tls-client-ca");
  app.add_option("--tls-key", options.tls.key, "Its key (PEM)");
  app.add_option(
         "--data-root", options.data_roots,
         "Folder that models, data and adapters must lie in, links followed; may be repeated; else any")
      ->allow_extra_args(false);
  app.add_option(
      "--shared-checkpoints", options.shared_checkpoints,
      "Folder that other hosts have too: there full fine-tuning keeps its checkpoints, to go on elsewhere");
  app.add_option("--send-checkpoints-every", typed.checkpoint_every,
                 "At the most; a trial of LoRA or a prompt goes on elsewhere from the last that was sent")
      ->capture_default_str();
  app.add_option("--fetch-patience", typed.fetch_patience,
                 "How long a trial waits for its checkpoint while the coordinator cannot give it")
      ->capture_default_str();
  app.add_option("--prepare-limit", typed.prepare_limit,
                 "How long reading a trial's files and fetching its checkpoint may take; then it goes back")
      ->capture_default_str();
  app.add_option("--orphan-after", typed.orphan_after,
                 "How long trials go on beyond their lease without a coordinator")
      ->capture_default_str();
  app.add_option("--drain-limit", typed.drain_limit,
                 "How long SIGTERM waits for checkpoints to be handed back")
      ->capture_default_str();
  app.add_option("--trainer", options.trainer, "Path of sweep-trainer; else beside this program");
  app.add_option("--log-level", typed.log_level, "debug, info, warning or error")->capture_default_str();
  app.add_option("--log-format", typed.log_format, "text or json: one JSON object a line")
      ->capture_default_str();
  bool gpu_memory = false;
  app.add_flag(agent::kGpuMemoryFlag, gpu_memory,
               "Alone: prints the memory in use of each GPU, in bytes, and ends; the worker asks itself so");
  if (const auto exit_code = ParseCommandLine(app, argc, argv)) return *exit_code;
  if (gpu_memory) return PrintGpuMemory();
  const StatusOr<int> done = Run(std::move(options), typed);
  return done.ok() ? *done : ExitWith(done.status(), "sweep-worker");
}
