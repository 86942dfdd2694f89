#include "coordinator/service/service.h"

#include <algorithm>
#include <utility>

#include "common/logging.h"
#include "coordinator/service/artifacts.h"
#include "coordinator/service/benchmarks.h"
#include "coordinator/service/change.h"
#include "coordinator/service/comparing.h"
#include "coordinator/service/control.h"
#include "coordinator/service/foreign.h"
#include "coordinator/service/leases.h"
#include "coordinator/service/lookup.h"
#include "coordinator/service/observer.h"
#include "coordinator/service/overview.h"
#include "coordinator/service/recovery.h"
#include "coordinator/service/reports.h"
#include "coordinator/service/requests.h"
#include "coordinator/service/scores.h"
#include "coordinator/service/sessions.h"
#include "coordinator/service/submission.h"
#include "coordinator/service/tuning.h"
#include "coordinator/service/views.h"

namespace lorikeet::service {
namespace {

constexpr Duration kTellEvery = std::chrono::seconds(1);

// Hands on to the manager whose concern it is, inside a turn.
class TurningService : public Service {
 public:
  TurningService(const Options& options, store::Store& store, Clock& clock, RandomSource& random)
      : context_{options, store,        clock,
                 random,  State(clock), Turn(store, clock, options.observer, options.remove_files)},
        observer_(options.observer) {}

  Status Start() { return Recover(context_); }

  Status DoTurn(const std::function<void()>& requests) override {
    if (in_turn_) return Internal("a turn inside a turn");
    RETURN_IF_ERROR(failed_);
    in_turn_ = true;
    const SteadyTime begun = context_.clock.Steady();
    requests();
    tuning_.CatchUp().IgnoreError();  // what it frees is granted in this turn
    // Whoever hears that the sweep has ended finds its verdicts there.
    if (!context_.state.due.ended.empty()) comparing_.CatchUp().IgnoreError();
    leases_.GrantPlanned().IgnoreError();  // the turn has what went wrong
    in_turn_ = false;
    Status ended = context_.turn.End();
    if (!ended.ok()) ended.Update(StartAgain(ended));
    if (absl::IsInternal(ended)) failed_ = ended;
    if (observer_ != nullptr) {
      const SteadyTime now = context_.clock.Steady();
      observer_->TurnDone(now - begun, !ended.ok());
      TellHowThingsStand(now);
    }
    return ended;
  }

  StatusOr<std::int64_t> Connect(const Hello& hello, std::shared_ptr<WorkerConnection> connection) override {
    return InTurn([&] { return sessions_.Connect(hello, connection); });
  }
  Status HandleRenew(std::int64_t session, const Renew& renew) override {
    return InTurn([&] { return leases_.HandleRenew(session, renew); });
  }
  Status HandleReport(std::int64_t session, const Report& report) override {
    return InTurn([&] { return reports_.Handle(session, report); });
  }
  Status HandleUnreadable(std::int64_t session, const Lease& lease, const Status& why) override {
    return InTurn([&] { return reports_.Refuse(session, lease, why); });
  }
  Status HandleDraining(std::int64_t session) override {
    return InTurn([&] { return sessions_.Draining(session); });
  }
  Status HandleSlots(std::int64_t session, const std::vector<core::Slot>& slots) override {
    return InTurn([&] { return sessions_.SlotsChanged(session, slots); });
  }
  Status Disconnect(std::int64_t session) override {
    return InTurn([&] { return sessions_.Disconnect(session); });
  }
  Status HandleClosed(std::int64_t session, const Lease& lease) override {
    return InTurn([&] {
      sessions_.Closed(session, lease);
      return absl::OkStatus();
    });
  }
  void HandleProgress(std::int64_t session, const Lease& lease, const Progress& progress) override {
    reports_.HandleProgress(session, lease, progress);
  }

  Status Tick(SteadyTime heard) override {
    return InTurn([&] {
      Status expired = leases_.Expire(heard);
      comparing_.CatchUp().IgnoreError();  // the turn has what went wrong; it stays due
      return expired;
    });
  }

  StatusOr<std::string> Once(const RequestKey& key,
                             const std::function<StatusOr<std::string>()>& work) override {
    return InTurn([&] { return requests_.Once(key, work); });
  }
  StatusOr<Submitted> Submit(const spec::Sweep& sweep) override {
    return InTurn([&] { return submission_.Submit(sweep); });
  }
  StatusOr<Cancelled> Cancel(const std::string& sweep, const std::string& trial) override {
    if (sweep.empty() == trial.empty()) return InvalidArgument("name a sweep or a trial to cancel");
    return InTurn(
        [&] { return sweep.empty() ? submission_.CancelTrial(trial) : submission_.CancelSweep(sweep); });
  }

  std::vector<SweepView> ListSweeps() override { return views_.Sweeps(); }

  StatusOr<SweepView> GetSweep(const std::string& sweep) override {
    ASSIGN_OR_RETURN(const SweepRecord* record, LookUpSweep(context_.state, sweep));
    return views_.Sweep(*record);
  }

  StatusOr<std::vector<TrialView>> ListTrials(const std::string& sweep) override {
    ASSIGN_OR_RETURN(SweepRecord * record, LookUpSweep(context_.state, sweep));
    return views_.Trials(*record);
  }

  StatusOr<TrialView> GetTrial(const std::string& trial) override {
    ASSIGN_OR_RETURN(TrialRecord * record, LookUpTrial(context_.state, trial));
    return views_.TrialWithAttempts(*record);
  }

  StatusOr<std::vector<TrialView>> ListRunning(const std::string& sweep) override {
    ASSIGN_OR_RETURN(SweepRecord * record, LookUpSweep(context_.state, sweep));
    return views_.Running(*record);
  }

  StatusOr<std::vector<core::HistoryEvent>> Events(const std::string& sweep, const std::string& trial,
                                                   std::int64_t after, std::int64_t most) override {
    std::string sweep_id, trial_id;
    if (!sweep.empty()) {
      ASSIGN_OR_RETURN(const SweepRecord* record, LookUpSweep(context_.state, sweep));
      sweep_id = record->sweep.id;
    }
    if (!trial.empty()) {
      ASSIGN_OR_RETURN(const TrialRecord* record, LookUpTrial(context_.state, trial));
      trial_id = record->trial.id;
    }
    return context_.store.Events(sweep_id, trial_id, after, most);
  }

  StatusOr<Paused> Pause(const std::string& sweep) override {
    return InTurn([&] { return control_.Pause(sweep); });
  }
  StatusOr<Paused> Resume(const std::string& sweep) override {
    return InTurn([&] { return control_.Resume(sweep); });
  }
  StatusOr<Retried> Retry(const std::string& name) override {
    return InTurn([&] { return control_.Retry(name); });
  }
  StatusOr<Prioritized> SetPriority(const std::string& sweep, std::int64_t priority) override {
    return InTurn([&] { return control_.SetPriority(sweep, priority); });
  }
  StatusOr<Imported> ImportRow(const core::ForeignRow& row) override {
    return InTurn([&] { return foreign_.Import(row); });
  }
  StatusOr<Imported> RemoveRow(const std::string& sweep, const std::string& name) override {
    return InTurn([&] { return foreign_.Remove(sweep, name); });
  }
  StatusOr<ScoresTaken> PutScores(const ScoresUpload& upload) override {
    return InTurn([&] { return scores_.Put(upload); });
  }
  StatusOr<BenchmarksTaken> PutBenchmarks(const core::Benchmarks& measured) override {
    return InTurn([&] { return benchmarks_.Put(measured); });
  }
  StatusOr<Drained> Drain(const std::string& worker, bool undo) override {
    return InTurn([&]() -> StatusOr<Drained> {
      ASSIGN_OR_RETURN(Drained drained, control_.Drain(worker, undo));
      drained.state = views_.Worker(*context_.state.FindWorker(drained.worker_id)).worker.state;
      return drained;
    });
  }

  StatusOr<Readmitted> Readmit(const std::string& worker) override {
    return InTurn([&]() -> StatusOr<Readmitted> {
      ASSIGN_OR_RETURN(Readmitted readmitted, control_.Readmit(worker));
      readmitted.state = views_.Worker(*context_.state.FindWorker(readmitted.worker_id)).worker.state;
      return readmitted;
    });
  }

  std::vector<WorkerView> ListWorkers() override { return views_.Workers(); }

  StatusOr<std::string> OfferArtifact(const core::Artifact& artifact, const std::string& worker_id,
                                      std::int64_t coming) override {
    return artifacts_.Offer(artifact, worker_id, coming);
  }
  Status KeepArtifact(const core::Artifact& artifact, const std::string& worker_id) override {
    return InTurn([&] { return artifacts_.Keep(artifact, worker_id); });
  }
  StatusOr<FoundArtifact> FindCheckpoint(const std::string& trial_id, const Lease& lease,
                                         const std::string& worker_id) override {
    return artifacts_.FindCheckpoint(trial_id, lease, worker_id);
  }
  StatusOr<FoundArtifact> FindAdapter(const std::string& trial) override {
    return artifacts_.FindAdapter(trial);
  }
  StatusOr<std::vector<PrunedSweep>> Prune(const std::string& sweep, bool dry_run) override {
    return InTurn([&] { return artifacts_.Prune(sweep, dry_run); });
  }

 private:
  // In the turn that is open, else in one of its own.
  template <typename Request>
  auto InTurn(const Request& request) -> decltype(request()) {
    if (in_turn_) return request();
    decltype(request()) outcome = absl::UnknownError("not asked");
    RETURN_IF_ERROR(DoTurn([&] { outcome = request(); }));
    return outcome;
  }

  void TellHowThingsStand(SteadyTime now) {
    if (told_at_ && now - *told_at_ < kTellEvery) return;
    told_at_ = now;
    observer_->Stands(MakeOverview(context_.state));
  }

  // Memory is ahead of a file that did not take the turn: what the file has counts, as after a restart.
  Status StartAgain(const Status& why) {
    if (absl::IsInternal(why)) return why;
    LogError({}, "a commit failed, and what it held is forgotten: {}", Message(why));
    for (const auto& [id, session] : context_.state.sessions) session.connection->Close(why);
    const std::int64_t last_session = context_.state.last_session;
    context_.state = State(context_.clock);
    RETURN_IF_ERROR(Recover(context_));
    context_.state.last_session = std::max(context_.state.last_session, last_session);
    return absl::OkStatus();
  }

  Context context_;
  Sessions sessions_{context_};
  Leases leases_{context_};
  Reports reports_{context_};
  Submission submission_{context_};
  Control control_{context_};
  Requests requests_{context_};
  Views views_{context_};
  Artifacts artifacts_{context_};
  Tuning tuning_{context_};
  Comparing comparing_{context_};
  Foreign foreign_{context_};
  Scores scores_{context_};
  Benchmarks benchmarks_{context_};
  Observer* const observer_;  // may be null
  std::optional<SteadyTime> told_at_;
  bool in_turn_ = false;
  Status failed_;  // for good
};

}  // namespace

StatusOr<std::unique_ptr<Service>> Service::Create(const Options& options, store::Store& store, Clock& clock,
                                                   RandomSource& random) {
  auto service = std::make_unique<TurningService>(options, store, clock, random);
  RETURN_IF_ERROR(service->Start());
  return service;
}

}  // namespace lorikeet::service
