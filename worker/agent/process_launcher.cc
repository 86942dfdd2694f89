#include "worker/agent/process_launcher.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "common/failure_kinds.h"
#include "common/files.h"
#include "worker/agent/attempts.h"
#include "worker/protocol/control.h"

namespace lorikeet::agent {
namespace {

using protocol::ControlLine;

// One trainer's output a Step, so that a talkative one does not hold up the rest.
constexpr std::size_t kMostBytesAStep = 4U << 20;
constexpr int kMostWarnings = 20;
constexpr std::int64_t kLastWords = 4096;
constexpr std::chrono::milliseconds kGroupPoll{50};
// Where the kernel cannot say when a child ends (before 5.3), it is asked this often.
constexpr std::chrono::milliseconds kEndPoll{200};

bool IsFinal(const protocol::Event& event) {
  return std::holds_alternative<protocol::Result>(event) ||
         std::holds_alternative<protocol::Stopped>(event) || std::holds_alternative<protocol::Failed>(event);
}

// What goes onto the wire must be UTF-8; a crash may print anything.
std::string Printable(const std::string& text) {
  using nlohmann::json;
  return json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace)).get<std::string>();
}

// The end of a file, from a line's beginning on.
std::string Tail(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return "";
  const std::int64_t size = file.tellg();
  const std::int64_t begin = std::max<std::int64_t>(0, size - kLastWords);
  std::string text(static_cast<std::size_t>(size - begin), '\0');
  file.seekg(begin);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (begin > 0) text.erase(0, std::min(text.size(), text.find('\n') + 1));
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return Printable(text);
}

}  // namespace

struct ProcessLauncher::Trainer {
  Launch launch;
  std::unique_ptr<Subprocess> process;
  std::string buffer;  // printed, without its newline yet
  bool output_ended = false;
  bool final_seen = false;  // nothing more is told of it
  bool stop_asked = false;
  bool ended = false;  // the child; its group may live
  bool held = false;
  int warnings = 0;
  std::int64_t checkpoint_step = -1;
  std::optional<SteadyTime> limit_at, kill_at;

  std::string errors_file() const { return launch.attempt_folder + "/stderr.log"; }
};

ProcessLauncher::ProcessLauncher(ProcessLauncherOptions options, Clock& clock)
    : options_(std::move(options)), clock_(clock) {}
ProcessLauncher::~ProcessLauncher() = default;

Status ProcessLauncher::Start(const Launch& launch) {
  if (trainers_.count(launch.attempt_id) > 0) {
    return FailedPrecondition("attempt {} has been started already", launch.attempt_id);
  }
  std::error_code error;
  std::filesystem::create_directories(launch.trial_folder, error);
  if (error) return Internal("{}: cannot make it: {}", launch.trial_folder, error.message());
  const std::string trial_file = launch.attempt_folder + "/trial.json";
  RETURN_IF_ERROR(WriteFileAtomically(trial_file, launch.trial_json));

  auto trainer = std::make_unique<Trainer>();
  trainer->launch = launch;
  SubprocessOptions options;
  options.command = {options_.trainer, "train",
                     "--trial",        trial_file,
                     "--out",          launch.trial_folder,
                     "--attempt",      launch.attempt_id,
                     "--token",        std::to_string(launch.token),
                     "--device",       launch.device,
                     "--threads",      std::to_string(launch.threads),
                     "--control"};
  if (!options_.cache.empty()) options.command.insert(options.command.end(), {"--cache", options_.cache});
  if (!launch.checkpoint_folder.empty()) {
    options.command.insert(options.command.end(), {"--checkpoints", launch.checkpoint_folder});
  }
  if (launch.documents) options.command.emplace_back("--documents");
  // NVML counts GPUs in this order; CUDA's own puts the fastest first.
  options.environment = {{"CUDA_DEVICE_ORDER", "PCI_BUS_ID"}, {kAttemptMark, launch.attempt_folder}};
  options.pipe_input = true;
  options.pipe_output = true;
  options.error_file = trainer->errors_file();
  options.before_exec = [&](pid_t pid) { return StoreProcess(launch.attempt_folder, pid); };
  ASSIGN_OR_RETURN(trainer->process, Subprocess::Start(options));
  if (launch.time_limit) trainer->limit_at = clock_.Steady() + *launch.time_limit;
  trainers_[launch.attempt_id] = std::move(trainer);
  return absl::OkStatus();
}

void ProcessLauncher::Stop(const std::string& attempt_id, StopHow how) {
  const auto found = trainers_.find(attempt_id);
  if (found == trainers_.end()) return;
  Trainer& trainer = *found->second;
  trainer.stop_asked = true;
  const bool checkpoint = how == StopHow::kCheckpoint;
  const ControlLine line{attempt_id,
                         checkpoint ? ControlLine::Action::kCheckpointAndStop : ControlLine::Action::kStop};
  // A trainer that cannot be told is killed when its grace is over, like one that does not listen.
  trainer.process->Write(protocol::ToLine(line) + "\n").IgnoreError();
  KillBy(trainer, checkpoint ? options_.checkpoint_grace : options_.stop_grace);
}

void ProcessLauncher::Hold(const std::string& attempt_id, bool held) {
  if (const auto found = trainers_.find(attempt_id); found != trainers_.end()) found->second->held = held;
}

void ProcessLauncher::KillBy(Trainer& trainer, Duration grace) {
  const SteadyTime at = clock_.Steady() + grace;
  trainer.kill_at = trainer.kill_at ? std::min(*trainer.kill_at, at) : at;
}

void ProcessLauncher::AddFiles(std::vector<pollfd>& files) const {
  for (const auto& [id, trainer] : trainers_) {
    if (!trainer->output_ended && !trainer->held) files.push_back({trainer->process->output(), POLLIN, 0});
    if (!trainer->ended && trainer->process->ended() >= 0)
      files.push_back({trainer->process->ended(), POLLIN, 0});
  }
}

SteadyTime ProcessLauncher::NextStep() const {
  const SteadyTime now = clock_.Steady();
  SteadyTime next = now + std::chrono::hours(1);
  for (const auto& [id, trainer] : trainers_) {
    if (trainer->ended) next = std::min(next, now + kGroupPoll);
    if (trainer->process->ended() < 0) next = std::min(next, now + kEndPoll);
    if (trainer->limit_at) next = std::min(next, *trainer->limit_at);
    if (trainer->kill_at) next = std::min(next, *trainer->kill_at);
  }
  return next;
}

void ProcessLauncher::Step(TrainerListener& listener) {
  std::vector<std::string> ids;  // the listener may start or stop others meanwhile
  for (const auto& [id, trainer] : trainers_) ids.push_back(id);
  for (const std::string& id : ids) {
    Trainer& trainer = *trainers_.at(id);
    // Looked at before the output is read: whatever a process that has ended printed is in the pipe by then.
    trainer.ended = trainer.ended || trainer.process->Poll().has_value();
    Read(trainer, listener);
    HandleDeadlines(trainer, listener);
    if (trainer.ended && HandleEnd(trainer, listener)) {
      trainers_.erase(id);
      listener.OnTrainerClosed(id);
    }
  }
}

void ProcessLauncher::Read(Trainer& trainer, TrainerListener& listener) {
  char chunk[1 << 16];
  for (std::size_t total = 0; !trainer.output_ended && !trainer.held && total < kMostBytesAStep;) {
    const ssize_t got = read(trainer.process->output(), chunk, sizeof(chunk));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      trainer.output_ended = true;
      return;
    }
    total += static_cast<std::size_t>(got);
    std::size_t begin = 0;
    const std::string_view read_now(chunk, static_cast<std::size_t>(got));
    for (std::size_t end = read_now.find('\n'); end != std::string_view::npos;
         end = read_now.find('\n', begin)) {
      trainer.buffer.append(read_now.substr(begin, end - begin));
      begin = end + 1;
      HandleLine(trainer, std::exchange(trainer.buffer, {}), listener);
    }
    trainer.buffer.append(read_now.substr(begin));
    if (trainer.buffer.size() > options_.most_line_bytes) {
      Fail(trainer, failure::kCrashed,
           fmt::format("sweep-trainer printed a line of more than {} bytes", options_.most_line_bytes),
           listener);
      trainer.buffer.clear();
      trainer.process->Signal(SIGKILL);
      return;
    }
  }
}

void ProcessLauncher::HandleLine(Trainer& trainer, const std::string& line, TrainerListener& listener) {
  if (line.empty() || trainer.final_seen) return;
  const StatusOr<protocol::EventLine> event = protocol::EventFromLine(line);
  if (!event.ok()) {  // a library that prints where only we should is no reason to lose the trial
    Warn(trainer,
         fmt::format("not an event ({}): {}", Message(event.status()), Printable(line.substr(0, 200))),
         listener);
    return;
  }
  if (event->attempt != trainer.launch.attempt_id) {
    Warn(trainer, fmt::format("an event of attempt '{}' is ignored", Printable(event->attempt)), listener);
    return;
  }
  if (const auto* saved = std::get_if<protocol::CheckpointSaved>(&event->event))
    trainer.checkpoint_step = saved->step;
  if (IsFinal(event->event)) {
    trainer.final_seen = true;
    trainer.limit_at.reset();
    KillBy(trainer, options_.exit_grace);
  }
  listener.OnTrainerEvent(trainer.launch.attempt_id, event->event);
}

void ProcessLauncher::HandleDeadlines(Trainer& trainer, TrainerListener& listener) {
  const SteadyTime now = clock_.Steady();
  if (trainer.limit_at && now >= *trainer.limit_at) {
    trainer.limit_at.reset();
    const std::chrono::duration<double> limit = *trainer.launch.time_limit;
    Fail(trainer, failure::kTimedOut,
         fmt::format("ran longer than its time_limit of {:g} seconds", limit.count()), listener);
    Stop(trainer.launch.attempt_id, StopHow::kNow);
  }
  if (trainer.kill_at && now >= *trainer.kill_at) {
    trainer.kill_at.reset();
    trainer.process->Signal(SIGKILL);
  }
}

// True once nothing is left of the group.
bool ProcessLauncher::HandleEnd(Trainer& trainer, TrainerListener& listener) {
  if (trainer.process->GroupAlive()) {
    trainer.process->Signal(SIGKILL);  // those it left behind
    return false;
  }
  // The writers are gone: one more Read takes all that a pipe can hold.
  Read(trainer, listener);
  if (trainer.held) return false;
  if (!trainer.buffer.empty()) HandleLine(trainer, std::exchange(trainer.buffer, {}), listener);
  if (trainer.final_seen) return true;
  const std::optional<Exit> exit = trainer.process->Poll();
  if (trainer.stop_asked) {
    trainer.final_seen = true;
    listener.OnTrainerEvent(
        trainer.launch.attempt_id,
        protocol::Stopped{std::max<std::int64_t>(0, trainer.checkpoint_step), trainer.checkpoint_step >= 0});
    return true;
  }
  // 2 is wrong usage or input: the same again another time.
  const Exit how = exit.value_or(Exit{});
  Fail(trainer, how.code == 2 ? failure::kBadInput : failure::kCrashed, Obituary(trainer, how), listener);
  return true;
}

std::string ProcessLauncher::Obituary(const Trainer& trainer, const Exit& exit) const {
  std::string text = exit.signal != 0
                         ? "sweep-trainer was " + Describe(exit)
                         : fmt::format("sweep-trainer ended without a result ({})", Describe(exit));
  if (exit.signal == SIGKILL) text += "; where nobody did that, the host ran out of memory";
  const std::string words = Tail(trainer.errors_file());
  return words.empty() ? text : text + "; it said last:\n" + words;
}

void ProcessLauncher::Warn(Trainer& trainer, const std::string& message, TrainerListener& listener) {
  if (trainer.warnings++ >= kMostWarnings) return;
  listener.OnTrainerEvent(trainer.launch.attempt_id,
                          protocol::Log{"warning", "sweep-trainer's output: " + message});
}

void ProcessLauncher::Fail(Trainer& trainer, const std::string& kind, const std::string& message,
                           TrainerListener& listener) {
  if (trainer.final_seen) return;
  trainer.final_seen = true;
  listener.OnTrainerEvent(trainer.launch.attempt_id, protocol::Failed{kind, message});
}

}  // namespace lorikeet::agent
