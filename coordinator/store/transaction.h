// One open transaction on the store's connection.
//
// Each change is a statement or a few; SQLite undoes a statement that fails. What goes wrong for reasons of
// the machine's is remembered in failure(), so that Write rolls back even where the caller went on.
#pragma once

#include <string>

#include "coordinator/store/connection.h"
#include "coordinator/store/guard.h"
#include "coordinator/store/store.h"

namespace lorikeet::store {

class SqliteTransaction : public Transaction {
 public:
  // `build` is recorded with the sweeps submitted.
  SqliteTransaction(Connection& connection, const std::string& build)
      : connection_(connection), build_(build) {}

  Status InsertSweep(const core::Sweep& sweep) override;
  StatusOr<std::int64_t> InsertConfiguration(const core::Configuration& configuration) override;
  Status InsertTrial(const core::Trial& trial) override;
  Status InsertAttempt(const core::Attempt& attempt) override;
  Status UpdateSweep(const core::Sweep& sweep) override;
  Status UpdateTrial(const core::Trial& trial) override;
  Status UpdateAttempt(const core::Attempt& attempt) override;
  Status UpsertWorker(const core::Worker& worker) override;
  Status InsertEvent(const core::HistoryEvent& event) override;
  StatusOr<core::Token> NewestToken(const std::string& trial_id) override;
  StatusOr<std::int64_t> CommittedSequence(const std::string& attempt_id) override;
  Status AdvanceSequence(const std::string& attempt_id, std::int64_t sequence) override;
  Status InsertMetric(const std::string& attempt_id, const core::Metric& metric) override;
  Status InsertDocument(const std::string& sweep_id, const core::Document& document) override;
  Status StagePrediction(const std::string& attempt_id, const core::Prediction& prediction) override;
  Status CommitResult(const std::string& trial_id, const std::string& attempt_id, const core::Result& result,
                      WallTime at) override;
  Status DiscardStagedPredictions(const std::string& attempt_id) override;

  const Status& failure() const { return failure_; }

 private:
  // Notes `outcome` in failure_ where the machine is at fault; gives it back.
  template <typename Outcome>
  Outcome Remember(Outcome outcome) {
    const Status status = StatusOf(outcome);
    if (absl::IsInternal(status) || absl::IsUnavailable(status)) failure_ = status;
    return outcome;
  }
  Status CheckResult(const std::string& trial_id, const std::string& attempt_id, const core::Result& result);
  void InsertResultRow(const std::string& trial_id, const std::string& attempt_id, const core::Result& result,
                       WallTime at);

  Connection& connection_;
  const std::string& build_;
  Status failure_;
};

}  // namespace lorikeet::store
