#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <optional>

#include "common/command_line.h"
#include "common/files.h"
#include "worker/trainer/commands/commands.h"
#include "worker/trainer/commands/control_reader.h"
#include "worker/trainer/commands/event_writer.h"
#include "worker/trainer/commands/stop_signals.h"
#include "worker/trainer/train/cpu_memory.h"
#include "worker/trainer/train/device.h"
#include "worker/trainer/train/memory.h"
#include "worker/trainer/train/trial_run.h"

namespace lorikeet::trainer {
namespace {

struct TrainOptions {
  std::string trial, out, checkpoints, attempt, cache, device = "cpu";
  std::int64_t threads = 0;
  std::optional<std::int64_t> token;
  bool documents = false, control = false;
  double checkpoint_every = 30;
};

StatusOr<TrialRunOptions> ReadOptions(const TrainOptions& options) {
  TrialRunOptions run;
  ASSIGN_OR_RETURN(const std::string json, ReadFile(options.trial));
  auto trial = TrialFromJson(json);
  if (!trial.ok()) return Annotate(trial.status(), options.trial);
  run.trial = *std::move(trial);
  SetUpCompute(options.threads > 0 ? options.threads : run.trial.resources.threads.value_or(0));
  RETURN_IF_ERROR(LimitMemory(run.trial, options.device));
  if (CpuMemory::Limit() > 0) run.measure_memory = [] { CpuMemory::Install().MeasureOther(); };
  ASSIGN_OR_RETURN(run.device, ParseDevice(options.device));
  run.fast_bf16 = HasFastBf16(run.device);
  run.directory = options.out;
  run.checkpoints = options.checkpoints;
  run.token = options.token;
  run.documents = options.documents;
  run.cache = files::FolderCache(options.cache);
  run.checkpoint_seconds = options.checkpoint_every;
  std::error_code error;
  std::filesystem::create_directories(options.out, error);
  if (error) return Internal("{}: {}", options.out, error.message());
  return run;
}

int Run(const TrainOptions& options) {
  // A file over the process's size limit is an error to report, like a full disk, and no reason to die.
  signal(SIGXFSZ, SIG_IGN);
  const auto writer = std::make_shared<EventWriter>(options.attempt);
  TrialHooks hooks;
  hooks.send = [writer](const protocol::Event& event) { writer->Send(event); };
  const auto by_signal =
      WatchStopSignals([writer](const std::string& signal) { writer->SendStopped(signal); });
  const auto by_control = options.control ? StartControlReader(options.attempt)
                                          : std::make_shared<const std::atomic<bool>>(false);
  hooks.stop = [=] { return by_signal->load() || by_control->load(); };
  const Status status = CatchExceptions([&]() -> Status {
    ASSIGN_OR_RETURN(const TrialRunOptions run, ReadOptions(options));
    return RunTrial(run, hooks).status();
  });
  writer->Clear();
  if (status.ok() && writer->lost()) {
    return ExitWith(Internal("cannot write to standard output: events are missing there"),
                    "sweep-trainer train");
  }
  if (const auto stopped = writer->stopped(); status.ok() && stopped) {
    if (!by_control->load()) {
      Complain(fmt::format(
          "stopped at step {}, {}", stopped->step,
          stopped->checkpointed ? "checkpointed: the same command goes on from there" : "not checkpointed"));
    }
    return stopped->checkpointed ? kExitDone : kExitFailed;
  }
  if (status.ok()) return kExitDone;
  writer->Send(protocol::Failed{FailureKind(status), Message(status)});
  return ExitWith(status, "sweep-trainer train");
}

}  // namespace

void AddTrainCommand(CLI::App& app, int& exit_code) {
  CLI::App* const command =
      app.add_subcommand("train", "Trains and evaluates one trial; events as JSON lines on standard output");
  auto options = std::make_shared<TrainOptions>();
  command->add_option("--trial", options->trial, "The trial's settings, as JSON")->required();
  command->add_option("--out", options->out, "The trial's directory; a checkpoint there is gone on with")
      ->required();
  command->add_option(
      "--checkpoints", options->checkpoints,
      "Folder of this trial's checkpoints, instead of one in --out; it may be shared with other hosts");
  command->add_option("--attempt", options->attempt, "Named in every event line");
  command
      ->add_option("--token", options->token,
                   "The attempt's fencing token: of several that write to one folder, the highest counts")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--device", options->device, "cpu or cuda:N")->capture_default_str();
  command->add_option("--threads", options->threads, "CPU threads; 0: the trial's, else every core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command
      ->add_option("--checkpoint-every", options->checkpoint_every, "Seconds; each validation writes one too")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--cache", options->cache,
                      "A folder for tokens and fingerprints, which other trials find there; 4 GiB at most");
  command->add_flag("--documents", options->documents, "Send the scored documents as events too");
  command->add_flag("--control", options->control,
                    "Obey control lines on standard input; its end ends the trial");
  command->callback([options, &exit_code] { exit_code = Run(*options); });
}

}  // namespace lorikeet::trainer
