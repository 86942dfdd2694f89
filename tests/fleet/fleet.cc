#include "tests/fleet/fleet.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "coordinator/core/state_machine.h"
#include "tests/coordinator/service/fixture.h"

namespace lorikeet::fleet {
namespace {

constexpr Duration kTroubled = std::chrono::minutes(30), kCalm = std::chrono::hours(12),
                   kTidy = std::chrono::minutes(15);
constexpr std::int64_t kSweeps = 3;

// Those two take turns; each kind of failure has another limit in the second.
spec::Sweep One() { return service::MakeSweep("one", 2, 3); }
spec::Sweep Two() {
  spec::Sweep sweep = service::MakeSweep("two", 3, 2);
  sweep.retry.kinds = {{"crashed", {.attempts = 2, .backoff = seconds(10)}}};
  sweep.keep = {.checkpoints = milliseconds(0), .artifacts = std::chrono::hours(1), .logs = milliseconds(0)};
  return sweep;
}
// Comes before them, but for what it may not; the settings of one of its rows are chosen first.
spec::Sweep Three() {
  spec::Sweep sweep = service::MakeSweep("three", 1, 2);
  service::Tune(sweep, 3);
  sweep.priority = 1;
  sweep.max_running = 2;
  sweep.retry.interruptions = 3;
  return sweep;
}

}  // namespace

Fleet::Fleet(const FleetOptions& options) : options_(options), world_(options.seed) {
  world_.keep_notes = options.keep_notes;
  std::filesystem::create_directory(options.folder + "/coordinator");
  coordinator_ = std::make_unique<Coordinator>(world_, options.folder + "/coordinator", options.rules);
  ledger_ = std::make_unique<Ledger>(*coordinator_, [this](const std::string& what) { Broken(what); });
  coordinator_->settle = [this] {
    CheckTurns();
    Check();
  };
  coordinator_->let_go = [this] { ledger_->LetGo(); };
  people_ = std::make_unique<People>(world_, *coordinator_, *ledger_);
  coordinator_->Start();
  const TrainerHabits habits{.crashes_one_in = options.faults ? 60U : 0U};
  for (std::int64_t i = 0; i < 4; ++i) {
    const HostOptions host{.slots = 1 + i % 3, .gpus = i == 2, .compares = i != 1, .habits = habits};
    hosts_.push_back(
        std::make_unique<Host>(world_, *coordinator_, options.folder + "/host-" + std::to_string(i), host));
    hosts_.back()->bad_cable = options.faults;
    hosts_.back()->settle = [this] { Check(); };
    hosts_.back()->Start();
  }
  Submit(One());
  world_.After(seconds(20), [this] { Submit(Two()); });
  world_.After(seconds(100), [this] { Submit(Three()); });
}

Fleet::~Fleet() {
  for (const auto& host : hosts_) host->settle = [] {};
  coordinator_->settle = [] {};
  // While every end of every stream is there.
  for (const auto& host : hosts_) host->Kill();
  coordinator_->Kill();
  ledger_->LetGo();
}

void Fleet::Submit(const spec::Sweep& sweep) {
  if (coordinator_->answers()) {
    service::Service& service = coordinator_->service();
    const auto submit = [&]() -> StatusOr<std::string> {
      ASSIGN_OR_RETURN(const service::Submitted submitted, service.Submit(sweep));
      return std::string(submitted.existing ? "there" : "new");
    };
    const auto answer =
        service.Once({.id = "submit " + sweep.name, .fingerprint = sweep.fingerprint}, submit);
    if (answer.ok()) {
      // Whatever became of earlier tries: the sweep and the answer are stored together.
      if (*answer != "new") Broken("a submission that was asked again is answered otherwise");
      // The answer is lost on the way to the client.
      if (world_.Chance(3)) world_.After(seconds(20), [this, sweep] { Submit(sweep); });
      return CheckTurns();
    }
    if (absl::IsInternal(answer.status())) coordinator_->Kill();
  }
  world_.After(seconds(5), [this, sweep] { Submit(sweep); });
}

void Fleet::RestartCoordinator() {
  world_.After(world_.Between(milliseconds(200), seconds(90)), [this] {
    if (!coordinator_->up()) coordinator_->Start();
  });
}

void Fleet::PlanFault() {
  world_.After(world_.Between(seconds(1), seconds(60)), [this] {
    if (calm_) return;
    OneFault();
    PlanFault();
  });
}

void Fleet::OneFault() {
  ++faults_;
  Host& host = *hosts_[world_.Below(hosts_.size())];
  switch (world_.Below(24)) {
    case 0:
      host.BreakStream();
      break;
    case 1:
      host.Cut(world_.Between(seconds(5), seconds(300)));
      if (world_.Chance(2)) host.BreakStream();
      break;
    case 2:
      host.Pause(world_.Between(seconds(1), seconds(200)));
      break;
    case 3:
    case 4:
      host.Kill();
      world_.After(world_.Between(seconds(1), seconds(200)), [&host] {
        if (!host.up()) host.Start();
      });
      break;
    case 5:
      host.Drain();
      break;
    case 6:
      if (coordinator_->up()) coordinator_->Kill();
      break;
    case 7:
      coordinator_->KillAtWrite(1 + static_cast<std::int64_t>(world_.Below(4)), world_.Chance(2));
      break;
    case 8:
      host.clock().JumpWall(std::chrono::minutes(world_.Below(600)) - std::chrono::minutes(300));
      coordinator_->clock().JumpWall(std::chrono::minutes(world_.Below(600)) - std::chrono::minutes(300));
      break;
    case 9:
      coordinator_->Lock(world_.Between(seconds(1), seconds(200)));
      break;
    case 10:
      coordinator_->FillDisk(world_.Between(seconds(1), seconds(200)));
      break;
    case 11:
      host.FillDisk(world_.Between(seconds(5), seconds(300)));
      break;
    case 12:
      host.FailDisk();
      break;
    case 13:
      host.PowerCut();
      world_.After(world_.Between(seconds(1), seconds(200)), [&host] {
        if (!host.up()) host.Start();
      });
      break;
    case 14:
      coordinator_->FailDiskAt(1 + static_cast<std::int64_t>(world_.Below(40)),
                               world_.Chance(2) ? store::Fault::kError : store::Fault::kShort);
      break;
    case 15:
      coordinator_->FailDiskAt(1 + static_cast<std::int64_t>(world_.Below(40)), store::Fault::kPowerCut);
      break;
    case 16:
      host.Curse(world_.Between(seconds(60), seconds(600)));
      break;
    case 17:
      // Who says it first is right, and here the right ones are to be left in the end.
      if (!options_.rules.compare_files || ledger_->FilesAreFixed(kSweeps))
        host.ChangeFiles(world_.Between(seconds(30), seconds(900)));
      break;
    case 18:
      coordinator_->Stop(world_.Between(seconds(1), seconds(200)));
      break;
    default:
      people_->Act();
      CheckTurns();
  }
  if (!coordinator_->up()) RestartCoordinator();
}

void Fleet::Calm() {
  calm_ = true;
  coordinator_->KillAtWrite(0, false);
  coordinator_->MendDisk();
  coordinator_->Lock({});
  coordinator_->FillDisk({});
  if (!coordinator_->up()) coordinator_->Start();
  LetGo();
  for (const auto& host : hosts_) {
    host->bad_cable = false;
    if (!host->up()) host->Start();
  }
}

void Fleet::LetGo() {
  people_->LetGo();
  world_.After(std::chrono::minutes(5), [this] { LetGo(); });
}

bool Fleet::Ended() {
  if (!coordinator_->up()) return false;
  const auto sweeps = coordinator_->service().ListSweeps();
  for (const service::SweepView& view : sweeps) {
    if (!core::IsFinal(view.sweep.state)) return false;
  }
  return sweeps.size() == kSweeps;
}

// Whoever watches the coordinator starts it again; the last fault may only now come to it.
void Fleet::Watch() {
  // With the power, whatever it was doing, and even if it was not told of it.
  if (coordinator_->up() && !coordinator_->readable()) coordinator_->Kill();
  if (!coordinator_->up() && world_.Chance(50)) coordinator_->Start();
}

std::string Fleet::Run() {
  if (options_.faults) PlanFault();
  const SteadyTime start = world_.now();
  bool watching = true;
  while (watching && broken_.empty() && world_.Step()) {
    if (!coordinator_->broken().empty()) Broken(coordinator_->broken());
    if (!calm_ && world_.now() - start > kTroubled) Calm();
    Watch();
    watching = !(calm_ && Ended()) && world_.now() - start < kCalm;
  }
  if (broken_.empty() && !Ended()) Broken("a sweep has not ended in hours without faults");
  const SteadyTime ended = world_.now();
  while (broken_.empty() && world_.now() - ended < kTidy && world_.Step()) Watch();
  if (broken_.empty() && !coordinator_->up()) Broken("the coordinator is down, without faults");
  if (broken_.empty()) CheckTidy();
  ledger_->Check();
  if (broken_.empty() && Scores() != ledger_->TrueScores()) Broken("a result is not what its trial comes to");
  return broken_;
}

void Fleet::Broken(const std::string& what) {
  if (broken_.empty()) broken_ = what;
}

void Fleet::Check() {
  for (const auto& host : hosts_) {
    if (!host->trainers().broken().empty()) Broken(host->trainers().broken());
    if (!host->broken().empty()) Broken(host->broken());
  }
  ledger_->CheckNews();
}

void Fleet::CheckTidy() {
  for (const auto& host : hosts_) {
    if (!host->tidy()) Broken("an attempt is left on a host");
  }
  for (const service::WorkerView& view : coordinator_->service().ListWorkers()) {
    if (view.worker.state != "connected")
      Broken("worker " + view.worker.hostname + " is " + view.worker.state);
    if (view.slots_busy != 0) Broken("a slot of " + view.worker.hostname + " is held for nobody");
  }
  ledger_->CheckTidy();
}

void Fleet::CheckTurns() {
  if (!coordinator_->up() || !coordinator_->readable()) return;
  Fairness::Look look = ledger_->Turns();
  look.stretch = coordinator_->memory() + people_->interventions();
  if (const std::string unfair = fairness_.See(look); !unfair.empty()) Broken(unfair);
}

}  // namespace lorikeet::fleet
