#include "tests/fleet/rules.h"

#include <utility>

namespace lorikeet::fleet {
namespace {

Status Dead() { return Internal("the process was killed"); }

// Every token is the newest.
class Careless : public store::Transaction {
 public:
  Careless(store::Transaction& real, core::Token token) : real_(real), token_(token) {}

  Status InsertSweep(const core::Sweep& sweep) override { return real_.InsertSweep(sweep); }
  StatusOr<std::int64_t> InsertConfiguration(const core::Configuration& configuration) override {
    return real_.InsertConfiguration(configuration);
  }
  Status InsertTrial(const core::Trial& trial) override { return real_.InsertTrial(trial); }
  Status InsertAttempt(const core::Attempt& attempt) override { return real_.InsertAttempt(attempt); }
  Status UpdateSweep(const core::Sweep& sweep) override { return real_.UpdateSweep(sweep); }
  Status UpdateTrial(const core::Trial& trial) override { return real_.UpdateTrial(trial); }
  Status UpdateAttempt(const core::Attempt& attempt) override { return real_.UpdateAttempt(attempt); }
  Status UpsertWorker(const core::Worker& worker) override { return real_.UpsertWorker(worker); }
  Status InsertEvent(const core::HistoryEvent& event) override { return real_.InsertEvent(event); }
  StatusOr<core::Token> NewestToken(const std::string&) override { return token_; }
  StatusOr<std::int64_t> CommittedSequence(const std::string& attempt_id) override {
    return real_.CommittedSequence(attempt_id);
  }
  Status AdvanceSequence(const std::string& attempt_id, std::int64_t sequence) override {
    return real_.AdvanceSequence(attempt_id, sequence);
  }
  Status InsertMetric(const std::string& attempt_id, const core::Metric& metric) override {
    return real_.InsertMetric(attempt_id, metric);
  }
  Status InsertDocument(const std::string& sweep_id, const core::Document& document) override {
    return real_.InsertDocument(sweep_id, document);
  }
  Status StagePrediction(const std::string& attempt_id, const core::Prediction& prediction) override {
    return real_.StagePrediction(attempt_id, prediction);
  }
  Status CommitResult(const std::string& trial_id, const std::string& attempt_id, const core::Result& result,
                      WallTime at) override {
    return real_.CommitResult(trial_id, attempt_id, result, at);
  }
  Status DiscardStagedPredictions(const std::string& attempt_id) override {
    return real_.DiscardStagedPredictions(attempt_id);
  }

 private:
  store::Transaction& real_;
  const core::Token token_;
};

class Hooked : public store::Store {
 public:
  Hooked(store::Store& disk, StoreHooks hooks) : disk_(disk), hooks_(std::move(hooks)) {}

  StatusOr<store::Snapshot> Load() override {
    ASSIGN_OR_RETURN(store::Snapshot snapshot, disk_.Load());
    if (hooks_.forgets && !snapshot.attempts.empty()) snapshot.attempts.pop_back();
    return snapshot;
  }
  Status Write(const std::function<Status(store::Transaction&)>& change) override {
    if (hooks_.dies_before()) return Dead();
    const bool lost = hooks_.loses();
    Status outcome;
    const Status written = disk_.Write([&](store::Transaction& transaction) -> Status {
      if (hooks_.token) {
        Careless careless(transaction, hooks_.token());
        outcome = change(careless);
      } else {
        outcome = change(transaction);
      }
      return lost && outcome.ok() ? FailedPrecondition("lost") : outcome;
    });
    if (hooks_.dies_after()) return Dead();
    return lost && outcome.ok() ? absl::OkStatus() : written;
  }
  StatusOr<std::string> TrialSettings(const std::string& trial_id) override {
    return disk_.TrialSettings(trial_id);
  }
  StatusOr<std::int64_t> DocumentCount(const std::string& sweep_id) override {
    return disk_.DocumentCount(sweep_id);
  }
  StatusOr<std::vector<core::Attempt>> Attempts(const std::string& trial_id) override {
    return disk_.Attempts(trial_id);
  }
  StatusOr<std::vector<core::HistoryEvent>> Events(const std::string& sweep_id, const std::string& trial_id,
                                                   std::int64_t after, std::int64_t most) override {
    return disk_.Events(sweep_id, trial_id, after, most);
  }
  std::string path() const override { return disk_.path(); }
  Status Close() override { return disk_.Close(); }

 private:
  store::Store& disk_;
  const StoreHooks hooks_;
};

}  // namespace

std::unique_ptr<store::Store> HookedStore(store::Store& disk, StoreHooks hooks) {
  return std::make_unique<Hooked>(disk, std::move(hooks));
}

}  // namespace lorikeet::fleet
