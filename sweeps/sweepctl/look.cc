#include "sweeps/sweepctl/look.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <set>
#include <thread>

#include "common/labels.h"
#include "sweeps/sweepctl/message_json.h"
#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {
namespace {

// Always OK, for callers to end with.
Status PrintJson(const google::protobuf::Message& message) {
  fmt::print("{}\n", ToJsonLine(message));
  return absl::OkStatus();
}

std::string Labelled(const google::protobuf::Map<std::string, std::string>& labels) {
  return FormatLabels({labels.begin(), labels.end()});
}

std::string Describe(const v1::TrialStatus& trial) {
  if (trial.state() == "pending") return Printable(trial.waiting());
  if (trial.state() == "running" && trial.has_progress()) {
    const v1::TrialProgress& progress = trial.progress();
    std::string text = progress.phase();
    if (progress.total() > 0) text += fmt::format(" {}/{}", progress.step(), progress.total());
    if (progress.has_loss()) text += fmt::format(", loss {:.3f}", progress.loss());
    if (progress.eta_seconds() > 0) text += fmt::format(", {} left", FormatDuration(progress.eta_seconds()));
    return text;
  }
  if (trial.state() == "failed") return Printable(trial.failure_kind() + ": " + trial.failure_message());
  return "";
}

void PrintSweep(const v1::SweepStatus& sweep) {
  fmt::print("sweep      {} ({})\nstate      {}\nbaseline   {}\n", Printable(sweep.name()), sweep.id(),
             sweep.state(), Printable(sweep.baseline()));
  fmt::print("trials     {}: {} succeeded, {} running, {} pending, {} failed, {} cancelled\n", sweep.trials(),
             sweep.succeeded(), sweep.running(), sweep.pending(), sweep.failed(), sweep.cancelled());
  if (sweep.priority() != 0) fmt::print("priority   {}\n", sweep.priority());
  if (sweep.has_max_running()) fmt::print("at most    {} at once\n", sweep.max_running());
  if (!sweep.labels().empty()) fmt::print("labels     {}\n", Printable(Labelled(sweep.labels())));
  fmt::print("submitted  {}\n", sweep.submitted_at());
  if (!sweep.finished_at().empty()) fmt::print("finished   {}\n", sweep.finished_at());
  fmt::print("elapsed    {}{}\n", FormatDuration(sweep.elapsed_seconds()),
             sweep.has_eta_seconds() ? ", about " + FormatDuration(sweep.eta_seconds()) + " left" : "");
  for (const v1::SweepFile& file : sweep.files()) {
    fmt::print("file       {} {}… as on {}\n", Printable(file.name()), Printable(file.value().substr(0, 12)),
               Printable(file.worker()));
  }
  for (const std::string& worker : sweep.barred()) fmt::print("barred     {}\n", Printable(worker));
  for (const std::string& reason : sweep.waiting()) fmt::print("waiting    {}\n", Printable(reason));
}

void PrintTrial(const v1::TrialStatus& trial) {
  fmt::print("trial      {} ({})\nstate      {}\n", Printable(trial.name()), trial.id(), trial.state());
  if (const std::string what = Describe(trial); !what.empty()) {
    fmt::print("{:<10} {}\n",
               trial.state() == "pending"  ? "waiting"
               : trial.state() == "failed" ? "failure"
                                           : "now",
               what);
  }
  std::vector<std::vector<std::string>> rows = {
      {"ATTEMPT", "STATE", "WORKER", "DEVICE", "GRANTED", "ENDED", "FAILURE"}};
  for (const v1::AttemptStatus& attempt : trial.attempts()) {
    rows.push_back({std::to_string(attempt.number()), attempt.state(), attempt.worker_id(), attempt.device(),
                    attempt.granted_at(), attempt.ended_at(),
                    attempt.failure_kind().empty()
                        ? ""
                        : Printable(attempt.failure_kind() + ": " + attempt.failure_message())});
  }
  if (rows.size() > 1) fmt::print("\n{}", AlignColumns(rows));
}

}  // namespace

Status ShowSweeps(Client& client, bool json) {
  ASSIGN_OR_RETURN(const v1::ListSweepsResponse sweeps, client.ListSweeps());
  if (json) return PrintJson(sweeps);
  std::vector<std::vector<std::string>> rows = {
      {"SWEEP", "ID", "STATE", "DONE", "RUNNING", "FAILED", "SUBMITTED", "ELAPSED"}};
  for (const v1::SweepStatus& sweep : sweeps.sweeps()) {
    rows.push_back({Printable(sweep.name()), sweep.id(), sweep.state(),
                    fmt::format("{}/{}", sweep.succeeded(), sweep.trials()), std::to_string(sweep.running()),
                    std::to_string(sweep.failed()), sweep.submitted_at(),
                    FormatDuration(sweep.elapsed_seconds())});
  }
  fmt::print("{}", AlignColumns(rows, {3, 4, 5}));
  return absl::OkStatus();
}

Status ShowSweepNames(Client& client) {
  ASSIGN_OR_RETURN(const v1::ListSweepsResponse sweeps, client.ListSweeps());
  for (const v1::SweepStatus& sweep : sweeps.sweeps()) fmt::print("{}\n", Printable(sweep.name()));
  return absl::OkStatus();
}

Status ShowStatus(Client& client, const std::string& name, bool json) {
  StatusOr<v1::SweepStatus> sweep = client.GetSweep(name);
  if (sweep.ok()) {
    if (json) return PrintJson(*sweep);
    PrintSweep(*sweep);
    return absl::OkStatus();
  }
  if (!absl::IsNotFound(sweep.status())) return sweep.status();
  StatusOr<v1::TrialStatus> trial = client.GetTrial(name);
  if (!trial.ok()) return absl::IsNotFound(trial.status()) ? sweep.status() : trial.status();
  if (json) return PrintJson(*trial);
  PrintTrial(*trial);
  return absl::OkStatus();
}

Status ShowTrials(Client& client, const std::string& sweep, bool json) {
  ASSIGN_OR_RETURN(const v1::ListTrialsResponse trials, client.ListTrials(sweep));
  if (json) return PrintJson(trials);
  std::vector<std::vector<std::string>> rows = {{"TRIAL", "ID", "STATE", "WORKER", "DEVICE", "WHAT"}};
  for (const v1::TrialStatus& trial : trials.trials()) {
    rows.push_back({Printable(trial.name()), trial.id(), trial.state(), Printable(trial.worker()),
                    Printable(trial.device()), Describe(trial)});
  }
  fmt::print("{}", AlignColumns(rows));
  return absl::OkStatus();
}

Status ShowWorkers(Client& client, bool json) {
  ASSIGN_OR_RETURN(const v1::ListWorkersResponse workers, client.ListWorkers());
  if (json) return PrintJson(workers);
  std::vector<std::vector<std::string>> rows = {
      {"WORKER", "HOST", "STATE", "BUSY", "DEVICE", "LABELS", "RUNS", "LAST SEEN"}};
  for (const v1::WorkerStatus& worker : workers.workers()) {
    std::set<std::string> devices;
    for (const auto& slot : worker.slots()) devices.insert(slot.device_model());
    std::string device, runs;
    for (const std::string& model : devices) device += (device.empty() ? "" : ", ") + model;
    for (const std::string& trial : worker.trials()) runs += (runs.empty() ? "" : ", ") + trial;
    rows.push_back({worker.id(), Printable(worker.hostname()), worker.state(),
                    fmt::format("{}/{}", worker.slots_busy(), worker.slots_size()), Printable(device),
                    Printable(Labelled(worker.labels())), Printable(runs), worker.last_seen_at()});
  }
  fmt::print("{}", AlignColumns(rows, {3}));
  for (const v1::WorkerStatus& worker : workers.workers()) {
    if (worker.quarantine().empty()) continue;
    fmt::print("\n{0} ({1}) is quarantined: {2}\n'sweepctl readmit {0}' lets it have trials again\n",
               worker.id(), Printable(worker.hostname()), Printable(worker.quarantine()));
  }
  for (const v1::WorkerStatus& worker : workers.workers()) {
    for (const auto& slot : worker.slots()) {
      if (slot.quarantine().empty()) continue;
      fmt::print("\n{} ({}) does not offer slot {} ({}): {}\n", worker.id(), Printable(worker.hostname()),
                 slot.index(), Printable(slot.device()), Printable(slot.quarantine()));
    }
    for (const std::string& barred : worker.barred()) {
      fmt::print(
          "\n{0} ({1}) has other files, and gets nothing of {2}\n'sweepctl readmit {0}' lets it try again, "
          "and so does a new start\n",
          worker.id(), Printable(worker.hostname()), Printable(barred));
    }
  }
  return absl::OkStatus();
}

Status ShowLogs(Client& client, const std::string& trial, bool follow, bool json) {
  std::int64_t after = 0;
  bool answered = false, away = false;  // at least once; at the last look
  for (;;) {
    // The state is read before the events: what is final then has all its events in the answer that follows.
    StatusOr<v1::TrialStatus> status = client.GetTrial(trial);
    v1::ListEventsRequest request;
    request.set_trial(trial);
    request.set_after(after);
    StatusOr<v1::ListEventsResponse> events =
        status.ok() ? client.ListEvents(request) : StatusOr<v1::ListEventsResponse>(status.status());
    if (!events.ok()) {
      // A coordinator that has answered once may restart; one that never has is a wrong address.
      if (!follow || !answered || !absl::IsUnavailable(events.status())) return events.status();
      if (!away) fmt::print(stderr, "{}; trying again until it answers\n", Message(events.status()));
      away = true;
    } else {
      answered = true;
      away = false;
      for (const v1::HistoryEvent& event : events->events()) {
        after = std::max(after, event.id());
        if (json) {
          RETURN_IF_ERROR(PrintJson(event));
        } else {
          fmt::print("{}  {:<13}  {}\n", event.time(), event.kind(), Printable(event.message()));
        }
      }
      std::fflush(stdout);
      const bool ended = status->state() != "pending" && status->state() != "running";
      if (events->events().empty() && (!follow || ended)) return absl::OkStatus();
      if (!events->events().empty()) continue;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
}

}  // namespace lorikeet::sweepctl
