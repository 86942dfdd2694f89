#include <cstdio>
#include <filesystem>

#include "common/command_line.h"
#include "common/files.h"
#include "worker/trainer/commands/commands.h"
#include "worker/trainer/commands/control_reader.h"
#include "worker/trainer/train/device.h"
#include "worker/trainer/train/terminal.h"
#include "worker/trainer/train/trial_run.h"

namespace lorikeet::trainer {
namespace {

struct TrainOptions {
  std::string trial, out, attempt, cache, device = "cpu";
  std::int64_t threads = 0;
  bool documents = false, control = false;
  double checkpoint_every = 30;
};

// Events to standard output, a line each and flushed; progress to the terminal.
class EventWriter {
 public:
  explicit EventWriter(std::string attempt) : attempt_(std::move(attempt)) {}

  void Send(const protocol::Event& event) {
    const std::string text = protocol::ToLine({attempt_, event}) + "\n";
    lost_ =
        std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0 || lost_;
    if (const auto* progress = std::get_if<protocol::Progress>(&event)) {
      line_.Update(progress->phase, progress->step, progress->total, progress->loss,
                   progress->tokens_per_second, progress->eta_seconds > 0 ? progress->eta_seconds : -1);
    } else if (const auto* log = std::get_if<protocol::Log>(&event)) {
      line_.Clear();
      fmt::print(stderr, "sweep-trainer train: {}: {}\n", log->level, log->message);
    }
  }
  void Clear() { line_.Clear(); }
  // Whether an event could not be written: a full disk, a reader that left.
  bool lost() const { return lost_; }

 private:
  bool lost_ = false;
  std::string attempt_;
  ProgressLine line_;
};

StatusOr<TrialRunOptions> ReadOptions(const TrainOptions& options) {
  TrialRunOptions run;
  ASSIGN_OR_RETURN(const std::string json, ReadFile(options.trial));
  auto trial = TrialFromJson(json);
  if (!trial.ok()) return Annotate(trial.status(), options.trial);
  run.trial = *std::move(trial);
  SetUpCompute(options.threads > 0 ? options.threads : run.trial.resources.threads.value_or(0));
  ASSIGN_OR_RETURN(run.device, ParseDevice(options.device));
  run.directory = options.out;
  run.documents = options.documents;
  run.cache = text::FolderCache(options.cache);
  run.checkpoint_seconds = options.checkpoint_every;
  std::error_code error;
  std::filesystem::create_directories(options.out, error);
  if (error) return Internal("{}: {}", options.out, error.message());
  return run;
}

int Run(const TrainOptions& options) {
  EventWriter writer(options.attempt);
  TrialHooks hooks;
  hooks.send = [&](const protocol::Event& event) { writer.Send(event); };
  if (options.control) {
    hooks.stop = [flag = StartControlReader(options.attempt)] { return flag->load(); };
  }
  auto run = ReadOptions(options);
  const Status status = run.ok() ? RunTrial(*run, hooks).status() : run.status();
  writer.Clear();
  if (status.ok() && writer.lost()) {
    return ExitWith(Internal("cannot write to standard output: events are missing there"),
                    "sweep-trainer train");
  }
  if (status.ok()) return kExitDone;
  writer.Send(protocol::Failed{FailureKind(status), Message(status)});
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
  command->add_option("--attempt", options->attempt, "Named in every event line");
  command->add_option("--device", options->device, "cpu or cuda:N")->capture_default_str();
  command->add_option("--threads", options->threads, "CPU threads; 0: the trial's, else every core")
      ->check(CLI::NonNegativeNumber)
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
