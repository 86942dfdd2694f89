#include "tests/fleet/fleet.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/coordinator/service/fixture.h"

namespace lorikeet::fleet {
namespace {

constexpr Duration kTroubled = std::chrono::minutes(30), kCalm = std::chrono::hours(12),
                   kTidy = std::chrono::minutes(15);
constexpr std::int64_t kAttempts = 3;

}  // namespace

Fleet::Fleet(const FleetOptions& options) : options_(options), world_(options.seed) {
  world_.keep_notes = options.keep_notes;
  std::filesystem::create_directory(options.folder + "/coordinator");
  coordinator_ = std::make_unique<Coordinator>(world_, options.folder + "/coordinator", options.rules);
  coordinator_->settle = [this] { Check(); };
  coordinator_->Start();
  const TrainerHabits habits{.crashes_one_in = options.faults ? 60U : 0U};
  for (std::int64_t i = 0; i < 4; ++i) {
    hosts_.push_back(std::make_unique<Host>(
        world_, *coordinator_, options.folder + "/host-" + std::to_string(i), 1 + i % 3, habits));
    hosts_.back()->bad_cable = options.faults;
    hosts_.back()->settle = [this] { Check(); };
    hosts_.back()->Start();
  }
  Submit("one", 2, 3);
  world_.After(seconds(100), [this] { Submit("two", 3, 2); });
}

Fleet::~Fleet() {
  for (const auto& host : hosts_) host->settle = [] {};
  coordinator_->settle = [] {};
  // While every end of every stream is there.
  for (const auto& host : hosts_) host->Kill();
  coordinator_->Kill();
}

void Fleet::Submit(const std::string& name, std::int64_t ranks, std::int64_t seeds) {
  // A client that asks again until it is answered.
  if (coordinator_->up()) {
    const auto submitted = coordinator_->service().Submit(service::MakeSweep(name, ranks, seeds));
    if (submitted.ok()) return;
    if (absl::IsInternal(submitted.status())) coordinator_->Kill();
  }
  world_.After(seconds(5), [this, name, ranks, seeds] { Submit(name, ranks, seeds); });
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
  switch (world_.Below(10)) {
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
    default:
      if (coordinator_->up() && world_.Chance(3)) {
        const auto trials = coordinator_->service().ListTrials("one");
        if (!trials.ok() || trials->empty()) break;
        const auto cancelled =
            coordinator_->service().Cancel("", trials->at(world_.Below(trials->size())).trial.id);
        if (absl::IsInternal(cancelled.status())) coordinator_->Kill();
      }
  }
  if (!coordinator_->up()) RestartCoordinator();
}

void Fleet::Calm() {
  calm_ = true;
  coordinator_->KillAtWrite(0, false);
  if (!coordinator_->up()) coordinator_->Start();
  for (const auto& host : hosts_) {
    host->bad_cable = false;
    if (!host->up()) host->Start();
  }
}

bool Fleet::Ended() {
  if (!coordinator_->up()) return false;
  const auto sweeps = coordinator_->service().ListSweeps();
  for (const service::SweepView& view : sweeps) {
    if (view.sweep.state != core::SweepState::kFinished) return false;
  }
  return sweeps.size() == 2;
}

std::string Fleet::Run() {
  if (options_.faults) PlanFault();
  const SteadyTime start = world_.now();
  bool watching = true;
  // Whoever watches the coordinator starts it again.
  while (watching && broken_.empty() && world_.Step()) {
    if (!coordinator_->broken().empty()) Broken(coordinator_->broken());
    if (!calm_ && world_.now() - start > kTroubled) Calm();
    if (!coordinator_->up() && world_.Chance(50)) coordinator_->Start();
    watching = !(calm_ && Ended()) && world_.now() - start < kCalm;
  }
  if (broken_.empty() && !Ended()) Broken("a sweep has not ended in hours without faults");
  const SteadyTime ended = world_.now();
  while (broken_.empty() && world_.now() - ended < kTidy && world_.Step()) continue;
  if (broken_.empty()) CheckTidy();
  CheckDatabase();
  if (broken_.empty() && Scores() != TrueScores()) Broken("a result is not what its trial comes to");
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
  if (++checks_ % 16 == 0) CheckDatabase();
}

std::vector<std::vector<std::string>> Fleet::Query(const std::string& sql) const {
  // One connection for all: it also keeps the coordinator's own from being the last, which would tidy up.
  if (!reader_) reader_ = std::make_unique<SQLite::Database>(coordinator_->database(), SQLite::OPEN_READONLY);
  std::unique_ptr<SQLite::Statement>& prepared = statements_[sql];
  if (!prepared) prepared = std::make_unique<SQLite::Statement>(*reader_, sql);
  SQLite::Statement& statement = *prepared;
  std::vector<std::vector<std::string>> rows;
  while (statement.executeStep()) {
    std::vector<std::string>& row = rows.emplace_back();
    for (int i = 0; i < statement.getColumnCount(); ++i) row.push_back(statement.getColumn(i).getString());
  }
  statement.reset();
  return rows;
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
  if (Query("SELECT count(*) FROM staged_predictions")[0][0] != "0") Broken("predictions are left staged");
  if (Query("SELECT count(*) FROM attempts WHERE state IN ('granted', 'running', 'lost')")[0][0] != "0")
    Broken("an attempt is left open");
}

void Fleet::CheckDatabase() {
  if (coordinator_->database().empty()) return;
  const auto none = [&](const std::string& sql, const std::string& what) {
    const std::string count = Query("SELECT count(*) FROM " + sql)[0][0];
    if (count != "0") Broken(what + " (" + count + ")");
  };
  none(
      "trials AS t WHERE (t.state = 'running') <> ((SELECT count(*) FROM attempts AS a WHERE a.trial_id = "
      "t.id AND "
      "a.state IN ('granted', 'running')) = 1)",
      "a running trial has not one lease, or another has one");
  none(
      "trials AS t WHERE (t.state = 'succeeded') <> EXISTS (SELECT 1 FROM results AS r WHERE r.trial_id = "
      "t.id)",
      "a trial that succeeded has no result, or another has one");
  none(
      "attempts AS a JOIN trials AS t ON t.id = a.trial_id WHERE a.state IN ('granted', 'running', 'lost') "
      "AND "
      "a.token <> t.token",
      "what may still report has not the newest token");
  none(
      "results AS r JOIN attempts AS a ON a.id = r.attempt_id JOIN trials AS t ON t.id = r.trial_id WHERE "
      "a.token <> t.token",
      "a result is of an older token");
  none(
      "trials AS t WHERE (SELECT count(*) FROM attempts AS a WHERE a.trial_id = t.id AND a.state = 'failed') "
      "> " +
          std::to_string(kAttempts),
      "a trial failed more often than it may");
  none("metrics WHERE value < 0", "a metric of an older token is there");
  std::map<std::string, std::string> results;
  for (const auto& row : Query("SELECT trial_id, attempt_id FROM results")) results[row[0]] = row[1];
  for (const auto& [trial, attempt] : results_) {
    const auto now = results.find(trial);
    if (now == results.end() || now->second != attempt) Broken("the result of " + trial + " changed");
  }
  results_ = results;
  for (const std::string& attempt : coordinator_->promised()) {
    bool found = false;
    for (const auto& [trial, of] : results) found = found || of == attempt;
    if (!found) Broken("the result of attempt " + attempt + " was acknowledged, and is gone");
  }
  for (const auto& row : Query("SELECT id, state FROM trials")) {
    const bool over = row[1] == "succeeded" || row[1] == "failed" || row[1] == "cancelled";
    const auto before = ended_.find(row[0]);
    if (before != ended_.end() && before->second != row[1])
      Broken("trial " + row[0] + " was " + before->second + " and is " + row[1]);
    if (over) ended_[row[0]] = row[1];
  }
}

std::map<std::string, double> Fleet::Scores() const {
  std::map<std::string, double> scores;
  for (const auto& row :
       Query("SELECT s.name || ' ' || t.name, r.test_rouge1 FROM results AS r JOIN trials AS t ON t.id = "
             "r.trial_id JOIN sweeps AS s ON s.id = t.sweep_id"))
    scores[row[0]] = std::stod(row[1]);
  return scores;
}

std::map<std::string, double> Fleet::TrueScores() const {
  std::map<std::string, double> scores;
  for (const auto& row :
       Query("SELECT s.name || ' ' || t.name, t.settings FROM results AS r JOIN trials AS t ON "
             "t.id = r.trial_id JOIN sweeps AS s ON s.id = t.sweep_id"))
    scores[row[0]] = ScoreOf(row[1]);
  return scores;
}

}  // namespace lorikeet::fleet
