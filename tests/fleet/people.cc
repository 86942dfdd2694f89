#include "tests/fleet/people.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace lorikeet::fleet {
namespace {

// Where nothing has succeeded, a retry lets the sweep's files be said anew, by whichever host is first: a
// history's hosts are to agree in the end.
bool MayRetry(const service::SweepView& view) { return view.succeeded > 0; }

}  // namespace

template <typename Ask>
Status People::Twice(const Ask& ask) {
  const auto first = ask();
  if (!first.ok() || !world_.Chance(4)) return first.status();
  const auto second = ask();
  // The disk, the other program's lock, may have come in between; what it is about may not.
  const bool changed = second.ok() && second->changed;
  EXPECT_FALSE(changed) << "asked twice, done twice";
  return second.status();
}

void People::Act() {
  if (!coordinator_.answers()) return;
  // What is refused, because of what it is about or for want of a disk, is nothing to people.
  const Status done = DoOne();
  if (!absl::IsInternal(done)) return;
  world_.Note(Message(done));
  coordinator_.Kill();
}

Status People::DoOne() {
  service::Service& service = coordinator_.service();
  switch (world_.Below(6)) {
    case 0:
    case 1:
      return ToASweep(std::array{"one", "two", "three"}[world_.Below(3)]);
    case 2:
    case 3: {
      const std::vector<service::WorkerView> workers = service.ListWorkers();
      return workers.empty() ? absl::OkStatus() : ToAWorker(workers[world_.Below(workers.size())]);
    }
    case 4:
      return service.Prune("", false).status();
    default:
      return ToATrial();
  }
}

Status People::ToASweep(const std::string& name) {
  service::Service& service = coordinator_.service();
  const StatusOr<service::SweepView> view = service.GetSweep(name);
  if (!view.ok()) return view.status();
  const std::uint64_t what = world_.Below(9);
  world_.Note("to " + name + ": " + std::to_string(what));
  switch (what) {
    case 0:
      // The one that the others make room for.
      if (name != "three" || view->succeeded == 0) return absl::OkStatus();
      ++interventions_;
      return service.Cancel(name, "").status();
    case 1:
    case 2:
      ++interventions_;
      return Twice([&] { return service.Pause(name); });
    case 3:
    case 4:
      ++interventions_;
      return Twice([&] { return service.Resume(name); });
    case 5:
    case 6:
      if (!MayRetry(*view)) return absl::OkStatus();
      ++interventions_;
      ledger_.MayGoOn();
      return service.Retry(name).status();
    default:
      return Twice([&, priority = static_cast<std::int64_t>(world_.Below(3))] {
        return service.SetPriority(name, priority);
      });
  }
}

Status People::ToAWorker(const service::WorkerView& worker) {
  service::Service& service = coordinator_.service();
  const std::string& id = worker.worker.id;
  switch (world_.Below(4)) {
    case 0:
      return Twice([&] { return service.Readmit(id); });
    case 1:
      return Twice([&] { return service.Drain(id, false); });
    default:
      return Twice([&] { return service.Drain(id, true); });
  }
}

Status People::ToATrial() {
  service::Service& service = coordinator_.service();
  const std::string name = world_.Chance(3) ? "three" : "one";
  const StatusOr<service::SweepView> view = service.GetSweep(name);
  if (!view.ok()) return view.status();
  const auto trials = service.ListTrials(name);
  if (!trials.ok() || trials->empty()) return trials.status();
  const std::string& id = trials->at(world_.Below(trials->size())).trial.id;
  if (world_.Chance(4)) return service.Cancel("", id).status();
  if (!MayRetry(*view)) return absl::OkStatus();
  ++interventions_;
  ledger_.MayGoOn();
  return service.Retry(id).status();
}

void People::LetGo() {
  if (!coordinator_.answers()) return;
  service::Service& service = coordinator_.service();
  std::vector<Status> done;
  for (const service::SweepView& view : service.ListSweeps()) {
    if (view.sweep.state != core::SweepState::kPaused) continue;
    ++interventions_;
    done.push_back(service.Resume(view.sweep.name).status());
  }
  for (const service::WorkerView& view : service.ListWorkers()) {
    if (!view.worker.quarantine.empty() || !view.barred.empty())
      done.push_back(service.Readmit(view.worker.id).status());
    if (view.worker.drain) done.push_back(service.Drain(view.worker.id, true).status());
  }
  for (const Status& status : done) {
    if (!absl::IsInternal(status)) continue;
    world_.Note(Message(status));
    return coordinator_.Kill();
  }
}

}  // namespace lorikeet::fleet
