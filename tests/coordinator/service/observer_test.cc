// What the service tells whoever counts: after the commit, and nothing of what came to nothing.
#include "coordinator/service/observer.h"

#include "coordinator/service/request_queue.h"
#include "tests/coordinator/service/fixture.h"

namespace lorikeet::service {
namespace {

class Counts : public Observer {
 public:
  void TurnDone(Duration, bool failed) override { ++(failed ? failed_turns : turns); }
  void Committed(const Tally& tally, Duration) override {
    ++commits;
    sum.sweeps_submitted += tally.sweeps_submitted;
    sum.grants += tally.grants;
    sum.results += tally.results;
    sum.leases_expired += tally.leases_expired;
    sum.events += tally.events;
    sum.metric_points += tally.metric_points;
    for (const auto& [outcome, count] : tally.attempts_ended) sum.attempts_ended[outcome] += count;
  }
  void Stands(const Overview& overview) override {
    ++looks;
    stands = overview;
  }
  void Answered(Asked asked, Duration time) override { answered.emplace_back(asked, time); }
  void Waiting(std::size_t requests) override { waiting = requests; }

  int turns = 0, failed_turns = 0, commits = 0, looks = 0;
  Tally sum;
  Overview stands;
  std::vector<std::pair<Asked, Duration>> answered;
  std::size_t waiting = 99;
};

class ObserverTest : public ServiceTest {
 protected:
  void SetUp() override {
    Start();
    auto service = Service::Create({.reserve_bytes = 2LL << 30, .build = "test", .observer = &counts_},
                                   *store_, clock_, random_);
    ASSERT_TRUE(service.ok()) << service.status();
    service_ = *std::move(service);
  }
  std::int64_t Trials(core::TrialState state) const {
    return counts_.stands.trials.at(static_cast<std::size_t>(state));
  }

  Counts counts_;
};

TEST_F(ObserverTest, TalliesWhatIsCommitted) {
  Submit(MakeSweep("one", 1, 1));  // two trials
  const FakeWorker worker = Connect("w-1", 2);
  ASSERT_EQ(worker.Grants().size(), 2U);
  EXPECT_EQ(counts_.sum.sweeps_submitted, 1);
  EXPECT_EQ(counts_.sum.grants, 2);
  const Grant first = worker.Grants()[0], second = worker.Grants()[1];
  ASSERT_TRUE(Send(worker, first, 1,
                   {MakeStarted(), core::Metric{1, "train_loss", 2}, core::Metric{2, "train_loss", 1}})
                  .ok());
  EXPECT_EQ(counts_.sum.events, 3);
  EXPECT_EQ(counts_.sum.metric_points, 2);
  EXPECT_EQ(counts_.sum.results, 0);
  ASSERT_TRUE(Send(worker, first, 4, {store::MakePrediction("test", "d1", 0.4), MakeScores(1)}).ok());
  ASSERT_TRUE(Send(worker, second, 1, {Failed{.kind = "oom", .message = "no memory"}}).ok());
  EXPECT_EQ(counts_.sum.results, 1);
  EXPECT_EQ(counts_.sum.events, 6);
  EXPECT_EQ(counts_.sum.attempts_ended, (std::map<std::string, std::int64_t>{{"oom", 1}, {"succeeded", 1}}));
  // Said again: known already.
  ASSERT_TRUE(Send(worker, first, 4, {store::MakePrediction("test", "d1", 0.4), MakeScores(1)}).ok());
  EXPECT_EQ(counts_.sum.results, 1);
  EXPECT_EQ(counts_.sum.events, 6);
}

TEST_F(ObserverTest, CountsLeasesThatRanOut) {
  Submit(MakeSweep("one", 0, 1));
  const FakeWorker worker = Connect("w-1", 1);
  Disconnect(worker);
  Pass(seconds(58));
  EXPECT_EQ(counts_.sum.leases_expired, 0);
  Pass(seconds(5));
  EXPECT_EQ(counts_.sum.leases_expired, 1);
  EXPECT_EQ(counts_.stands.attempts_lost, 1);
}

TEST_F(ObserverTest, SeesHowThingsStandOnceASecond) {
  spec::Sweep sweep = MakeSweep("one", 1, 2);  // four trials
  Submit(sweep);
  Pass(seconds(2));
  EXPECT_EQ(Trials(core::TrialState::kPending), 4);
  EXPECT_EQ(counts_.stands.workers_connected, 0);
  Connect("w-1", 3);
  ASSERT_TRUE(service_->Drain("w-1", false).ok());
  Pass(seconds(2));
  EXPECT_EQ(Trials(core::TrialState::kRunning), 3);
  ASSERT_EQ(counts_.stands.open_sweeps.size(), 1U);
  EXPECT_EQ(counts_.stands.open_sweeps[0].sweep, "one");
  EXPECT_EQ(counts_.stands.open_sweeps[0].trials.at(static_cast<std::size_t>(core::TrialState::kRunning)), 3);
  EXPECT_EQ(counts_.stands.workers_connected, 1);
  EXPECT_EQ(counts_.stands.workers_draining, 1);
  EXPECT_EQ(counts_.stands.slots, 3);
  EXPECT_EQ(counts_.stands.slots_busy, 3);
  EXPECT_EQ(counts_.stands.sweeps.at(0), 1);
  EXPECT_FALSE(counts_.stands.short_of_room);
  const int before = counts_.looks;
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(service_->Tick().ok());
  EXPECT_EQ(counts_.looks, before) << "the clock stands still";
}

TEST_F(ObserverTest, OfManySweepsItSeesTheNewest) {
  for (int i = 0; i < 60; ++i) {
    Submit(MakeSweep("sweep " + std::to_string(i), 0, 1));
    clock_.Advance(seconds(1));
  }
  ASSERT_TRUE(service_->Cancel("sweep 59", "").ok());
  Pass(seconds(2));
  ASSERT_EQ(counts_.stands.open_sweeps.size(), Overview::kMostSweeps);
  EXPECT_EQ(counts_.stands.open_sweeps.front().sweep, "sweep 58");
  EXPECT_EQ(counts_.stands.sweeps.at(static_cast<std::size_t>(core::SweepState::kRunning)), 59);
  EXPECT_EQ(Trials(core::TrialState::kPending), 59) << "all of them, all the same";
}

// A store that has no room for what is committed.
class NoRoom : public store::Store {
 public:
  explicit NoRoom(store::Store& real) : real_(real) {}
  StatusOr<store::Snapshot> Load() override { return real_.Load(); }
  StatusOr<store::Transaction*> Begin() override { return real_.Begin(); }
  Status Commit() override {
    if (!full) return real_.Commit();
    real_.Rollback();
    return MakeStatus(absl::StatusCode::kResourceExhausted, "no room on the disk");
  }
  void Rollback() override { real_.Rollback(); }
  StatusOr<std::string> TrialSettings(const std::string& trial) override {
    return real_.TrialSettings(trial);
  }
  StatusOr<std::int64_t> DocumentCount(const std::string& sweep) override {
    return real_.DocumentCount(sweep);
  }
  StatusOr<std::vector<store::Place>> LastPlaces(const std::string& sweep) override {
    return real_.LastPlaces(sweep);
  }
  StatusOr<std::vector<core::Attempt>> Attempts(const std::string& trial) override {
    return real_.Attempts(trial);
  }
  StatusOr<std::vector<core::HistoryEvent>> Events(const std::string& sweep, const std::string& trial,
                                                   std::int64_t after, std::int64_t most) override {
    return real_.Events(sweep, trial, after, most);
  }
  StatusOr<std::optional<core::Artifact>> FindArtifact(const std::string& trial,
                                                       core::ArtifactKind kind) override {
    return real_.FindArtifact(trial, kind);
  }
  StatusOr<std::vector<core::Artifact>> ArtifactsOf(const std::string& sweep) override {
    return real_.ArtifactsOf(sweep);
  }
  StatusOr<std::vector<std::string>> ArtifactPaths() override { return real_.ArtifactPaths(); }
  StatusOr<std::vector<core::ScoredTrial>> Scores(std::int64_t configuration) override {
    return real_.Scores(configuration);
  }
  StatusOr<std::vector<core::Candidate>> Candidates(std::int64_t row, const std::string& metric) override {
    return real_.Candidates(row, metric);
  }
  StatusOr<std::vector<core::Comparison>> Comparisons(const std::string& sweep) override {
    return real_.Comparisons(sweep);
  }
  store::ScoreReader& scores() override { return real_.scores(); }
  StatusOr<store::LogSize> LogsOf(const std::string& sweep) override { return real_.LogsOf(sweep); }
  std::string path() const override { return real_.path(); }
  StatusOr<std::int64_t> FreeBytes() override { return real_.FreeBytes(); }
  Status Close() override { return real_.Close(); }

  bool full = false;

 private:
  store::Store& real_;
};

TEST_F(ObserverTest, TellsNothingOfATurnThatFailed) {
  NoRoom store(*store_);
  service_ = *Service::Create({.build = "test", .observer = &counts_}, store, clock_, random_);
  store.full = true;
  EXPECT_TRUE(absl::IsResourceExhausted(service_->Submit(MakeSweep("one", 0, 1)).status()));
  EXPECT_EQ(counts_.sum.sweeps_submitted, 0);
  EXPECT_EQ(counts_.failed_turns, 1);
  store.full = false;
  EXPECT_FALSE(Submit(MakeSweep("one", 0, 1)).existing);
  EXPECT_EQ(counts_.sum.sweeps_submitted, 1);
}

TEST_F(ObserverTest, TimesAnswersFromTheirArrival) {
  RequestQueue queue(*service_, clock_, &counts_);
  int done = 0;
  const auto add = [&](Request::Kind kind) {
    queue.Add({.kind = kind,
               .work = [](Service&) { return absl::OkStatus(); },
               .done = [&](const Status&) { ++done; },
               .posted = clock_.Steady()});
  };
  add(Request::Kind::kWorker);
  clock_.Advance(std::chrono::milliseconds(300));
  add(Request::Kind::kLook);
  ASSERT_TRUE(queue.RunTurn(clock_.Steady()).ok());
  EXPECT_EQ(done, 2);
  EXPECT_EQ(counts_.answered, (std::vector<std::pair<Observer::Asked, Duration>>{
                                  {Observer::Asked::kWorker, std::chrono::milliseconds(300)},
                                  {Observer::Asked::kLook, Duration::zero()}}));
  EXPECT_EQ(counts_.waiting, 0U);
}

}  // namespace
}  // namespace lorikeet::service
