#include "sweeps/sweepctl/act.h"

#include <fmt/format.h>

#include "sweeps/sweepctl/message_json.h"
#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {
namespace {

std::string Count(std::int64_t count, const std::string& what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// `text`, or the answer itself; always OK, for callers to end with.
Status Print(const google::protobuf::Message& answer, const std::string& text, bool json) {
  fmt::print("{}\n", json ? ToJsonLine(answer) : Printable(text));
  return absl::OkStatus();
}

std::string DescribePause(const v1::PauseResponse& answer) {
  if (answer.changed()) {
    return fmt::format("sweep {} is paused: {} {} on, {} wait", answer.sweep(),
                       Count(answer.running(), "running trial"), answer.running() == 1 ? "goes" : "go",
                       answer.pending());
  }
  return answer.state() == "paused"
             ? fmt::format("sweep {} is paused already", answer.sweep())
             : fmt::format("sweep {} is {}: nothing of it is left to pause", answer.sweep(), answer.state());
}

std::string DescribeResume(const v1::ResumeResponse& answer) {
  if (answer.changed()) {
    return fmt::format("sweep {} goes on: {}", answer.sweep(),
                       answer.pending() == 1 ? "1 trial waits for a slot"
                                             : fmt::format("{} trials wait for slots", answer.pending()));
  }
  return answer.state() == "running"
             ? fmt::format("sweep {} is not paused", answer.sweep())
             : fmt::format("sweep {} is {}: nothing of it is left to run", answer.sweep(), answer.state());
}

std::string DescribeRetry(const v1::RetryResponse& answer) {
  const std::string paused =
      answer.sweep_state() == "paused"
          ? fmt::format("; its sweep {0} is paused, 'sweepctl resume {0}' lets it run", answer.sweep())
          : "";
  if (answer.is_trial()) {
    return answer.trials() > 0 ? fmt::format("trial {} waits again{}", answer.name(), paused)
                               : fmt::format("trial {} is {}: only failed and cancelled ones are retried",
                                             answer.name(), answer.state());
  }
  if (answer.trials() == 0) {
    return fmt::format("sweep {} is {}: none of its trials has failed or was cancelled", answer.name(),
                       answer.state());
  }
  return fmt::format("{} {} again; sweep {} is {}", Count(answer.trials(), "trial"),
                     answer.trials() == 1 ? "waits" : "wait", answer.name(), answer.state());
}

std::string DescribeDrain(const v1::DrainWorkerResponse& answer, bool undo) {
  const std::string worker = fmt::format("worker {} ({})", answer.worker_id(), answer.hostname());
  if (undo) {
    return fmt::format("{} {}; it is {}", worker,
                       answer.changed() ? "may take trials again" : "was not asked to drain", answer.state());
  }
  const std::string state =
      fmt::format("{} {} {}", worker, answer.changed() ? "is" : "was asked before, and is", answer.state());
  return answer.attempts() > 0 ? fmt::format("{}: {} to hand back", state, Count(answer.attempts(), "trial"))
                               : state;
}

}  // namespace

Status Cancel(Client& client, const std::string& sweep, const std::string& trial, bool json) {
  v1::CancelRequest request;
  request.set_sweep(sweep);
  request.set_trial(trial);
  ASSIGN_OR_RETURN(const v1::CancelResponse answer, client.Cancel(request));
  return Print(answer,
               fmt::format("{} cancelled; the {} is {}", Count(answer.trials_cancelled(), "trial"),
                           trial.empty() ? "sweep" : "trial", answer.state()),
               json);
}

Status Pause(Client& client, const std::string& sweep, bool json) {
  ASSIGN_OR_RETURN(const v1::PauseResponse answer, client.Pause(sweep));
  return Print(answer, DescribePause(answer), json);
}

Status Resume(Client& client, const std::string& sweep, bool json) {
  ASSIGN_OR_RETURN(const v1::ResumeResponse answer, client.Resume(sweep));
  return Print(answer, DescribeResume(answer), json);
}

Status Retry(Client& client, const std::string& name, bool json) {
  ASSIGN_OR_RETURN(const v1::RetryResponse answer, client.Retry(name));
  return Print(answer, DescribeRetry(answer), json);
}

Status SetPriority(Client& client, const std::string& sweep, std::int64_t priority, bool json) {
  ASSIGN_OR_RETURN(const v1::SetPriorityResponse answer, client.SetPriority(sweep, priority));
  return Print(answer,
               fmt::format("sweep {} has {}a priority of {}", answer.sweep(), answer.changed() ? "now " : "",
                           answer.priority()) +
                   (answer.changed() ? "" : " already"),
               json);
}

Status Drain(Client& client, const std::string& worker, bool undo, bool json) {
  v1::DrainWorkerRequest request;
  request.set_worker(worker);
  request.set_undo(undo);
  ASSIGN_OR_RETURN(const v1::DrainWorkerResponse answer, client.DrainWorker(request));
  return Print(answer, DescribeDrain(answer, undo), json);
}

Status Readmit(Client& client, const std::string& worker, bool json) {
  ASSIGN_OR_RETURN(const v1::ReadmitWorkerResponse answer, client.ReadmitWorker(worker));
  return Print(answer,
               fmt::format("worker {} ({}) {}; it is {}", answer.worker_id(), answer.hostname(),
                           answer.changed() ? "may have trials again" : "was neither quarantined nor barred",
                           answer.state()),
               json);
}

}  // namespace lorikeet::sweepctl
