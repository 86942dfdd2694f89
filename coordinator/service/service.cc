#include "coordinator/service/service.h"

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "coordinator/service/change.h"
#include "coordinator/service/leases.h"
#include "coordinator/service/lookup.h"
#include "coordinator/service/recovery.h"
#include "coordinator/service/reports.h"
#include "coordinator/service/sessions.h"
#include "coordinator/service/submission.h"
#include "coordinator/service/views.h"

namespace lorikeet::service {
namespace {

// Takes the lock, hands on to the manager whose concern it is, grants what that made possible.
class LockedService : public Service {
 public:
  LockedService(Options options, store::Store& store, Clock& clock, RandomSource& random)
      : context_{std::move(options), store, clock, random, State(clock)} {}

  Status Start() {
    absl::MutexLock lock(&mutex_);
    return Recover(context_);
  }

  StatusOr<std::int64_t> Connect(const Hello& hello, std::shared_ptr<WorkerConnection> connection) override {
    absl::MutexLock lock(&mutex_);
    StatusOr<std::int64_t> session = sessions_.Connect(hello, connection);
    if (session.ok()) Note(leases_.GrantPlanned());
    return session;
  }

  void HandleRenew(std::int64_t session, const Renew& renew) override {
    absl::MutexLock lock(&mutex_);
    Note(leases_.HandleRenew(session, renew));
  }

  Status HandleReport(std::int64_t session, const Report& report) override {
    absl::MutexLock lock(&mutex_);
    Status status = reports_.Handle(session, report);
    if (status.ok()) Note(leases_.GrantPlanned());
    return status;
  }

  void HandleProgress(std::int64_t session, const Lease& lease, const Progress& progress) override {
    absl::MutexLock lock(&mutex_);
    reports_.HandleProgress(session, lease, progress);
  }

  void HandleClosed(std::int64_t session, const Lease& lease) override {
    absl::MutexLock lock(&mutex_);
    sessions_.Closed(session, lease);
    Note(leases_.GrantPlanned());
  }

  void HandleDraining(std::int64_t session) override {
    absl::MutexLock lock(&mutex_);
    Note(sessions_.Draining(session));
  }

  void Disconnect(std::int64_t session) override {
    absl::MutexLock lock(&mutex_);
    Note(sessions_.Disconnect(session));
  }

  Status Tick() override {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(failed_);
    RETURN_IF_ERROR(leases_.Expire());
    return leases_.GrantPlanned();
  }

  StatusOr<Submitted> Submit(const spec::Sweep& sweep) override {
    absl::MutexLock lock(&mutex_);
    StatusOr<Submitted> submitted = submission_.Submit(sweep);
    if (submitted.ok()) Note(leases_.GrantPlanned());
    return submitted;
  }

  std::vector<SweepView> ListSweeps() override {
    absl::MutexLock lock(&mutex_);
    return views_.Sweeps();
  }

  StatusOr<SweepView> GetSweep(const std::string& sweep) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const SweepRecord* record, LookUpSweep(context_.state, sweep));
    return views_.Sweep(*record);
  }

  StatusOr<std::vector<TrialView>> ListTrials(const std::string& sweep) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const SweepRecord* record, LookUpSweep(context_.state, sweep));
    return views_.Trials(*record);
  }

  StatusOr<TrialView> GetTrial(const std::string& trial) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(TrialRecord * record, LookUpTrial(context_.state, trial));
    return views_.TrialWithAttempts(*record);
  }

  StatusOr<std::vector<core::HistoryEvent>> Events(const std::string& sweep, const std::string& trial,
                                                   std::int64_t after, std::int64_t most) override {
    absl::MutexLock lock(&mutex_);
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

  StatusOr<Cancelled> Cancel(const std::string& sweep, const std::string& trial) override {
    absl::MutexLock lock(&mutex_);
    if (sweep.empty() == trial.empty()) return InvalidArgument("name a sweep or a trial to cancel");
    return sweep.empty() ? submission_.CancelTrial(trial) : submission_.CancelSweep(sweep);
  }

  std::vector<WorkerView> ListWorkers() override {
    absl::MutexLock lock(&mutex_);
    return views_.Workers();
  }

 private:
  // A failure that nobody waits for: Tick tells it to the composer, who ends the process.
  void Note(const Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!status.ok() && failed_.ok()) failed_ = status;
  }

  absl::Mutex mutex_;
  Context context_ ABSL_GUARDED_BY(mutex_);
  Sessions sessions_ ABSL_GUARDED_BY(mutex_){context_};
  Leases leases_ ABSL_GUARDED_BY(mutex_){context_};
  Reports reports_ ABSL_GUARDED_BY(mutex_){context_};
  Submission submission_ ABSL_GUARDED_BY(mutex_){context_};
  Views views_ ABSL_GUARDED_BY(mutex_){context_};
  Status failed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

StatusOr<std::unique_ptr<Service>> Service::Create(Options options, store::Store& store, Clock& clock,
                                                   RandomSource& random) {
  auto service = std::make_unique<LockedService>(std::move(options), store, clock, random);
  RETURN_IF_ERROR(service->Start());
  return service;
}

}  // namespace lorikeet::service
