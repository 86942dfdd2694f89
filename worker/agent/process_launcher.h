// Trainers as child processes (sweep-trainer train … --control).
#pragma once

#include <poll.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/subprocess.h"
#include "worker/agent/launcher.h"

namespace lorikeet::agent {

struct ProcessLauncherOptions {
  std::string trainer;  // path of sweep-trainer
  std::string cache;    // the folder that trainers share; empty: none
  std::size_t most_line_bytes = 16U << 20;
  Duration stop_grace = std::chrono::seconds(5);         // between "leave" and SIGKILL
  Duration checkpoint_grace = std::chrono::seconds(45);  // between "checkpoint and leave" and SIGKILL
  Duration exit_grace = std::chrono::seconds(30);        // between the last event and SIGKILL
};

// Not thread-safe; no threads of its own: whoever composes polls Files() and calls Step. Its destructor kills
// every trainer.
class ProcessLauncher : public Launcher {
 public:
  ProcessLauncher(ProcessLauncherOptions options, Clock& clock);
  ~ProcessLauncher() override;

  Status Start(const Launch& launch) override;
  void Stop(const std::string& attempt_id, StopHow how) override;
  void Hold(const std::string& attempt_id, bool held) override;

  // What to poll before the next Step.
  void AddFiles(std::vector<pollfd>& files) const;
  // When Step should be called again at the latest.
  SteadyTime NextStep() const;
  // Reads what trainers have printed, keeps time limits, notices ends; never blocks.
  void Step(TrainerListener& listener);

 private:
  struct Trainer;
  void Read(Trainer& trainer, TrainerListener& listener);
  void HandleLine(Trainer& trainer, const std::string& line, TrainerListener& listener);
  void HandleDeadlines(Trainer& trainer, TrainerListener& listener);
  bool HandleEnd(Trainer& trainer, TrainerListener& listener);
  void Warn(Trainer& trainer, const std::string& message, TrainerListener& listener);
  void Fail(Trainer& trainer, const std::string& kind, const std::string& message, TrainerListener& listener);
  void KillBy(Trainer& trainer, Duration grace);
  std::string Obituary(const Trainer& trainer, const Exit& exit) const;

  const ProcessLauncherOptions options_;
  Clock& clock_;
  std::map<std::string, std::unique_ptr<Trainer>> trainers_;  // by attempt
};

}  // namespace lorikeet::agent
