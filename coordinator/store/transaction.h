// One open transaction on the store's connection.
//
// Each change is a statement or a few; SQLite undoes a statement that fails. What goes wrong for reasons of
// the machine's is remembered in failure(), so that Write rolls back even where the caller went on; and
// nothing more is run then, since SQLite may have ended the transaction already, and each further statement
// would commit by itself.
#pragma once

#include <string>

#include "coordinator/store/connection.h"
#include "coordinator/store/guard.h"
#include "coordinator/store/store.h"

namespace lorikeet::store {

class SqliteTransaction : public Transaction, private ScoreWriter {
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
  Status InsertSweepFile(const core::SweepFile& file) override;
  Status PutBar(const core::Bar& bar) override;
  Status RemoveBar(const std::string& worker_id, const std::string& sweep_id) override;
  Status ForgetFiles(const std::string& sweep_id) override;
  StatusOr<core::Token> NewestToken(const std::string& trial_id) override;
  StatusOr<std::int64_t> CommittedSequence(const std::string& attempt_id) override;
  Status AdvanceSequence(const std::string& attempt_id, std::int64_t sequence) override;
  Status InsertMetric(const std::string& attempt_id, const core::Metric& metric) override;
  Status InsertDocument(const std::string& sweep_id, const core::Document& document) override;
  Status StagePrediction(const std::string& attempt_id, const core::Prediction& prediction) override;
  Status CommitResult(const std::string& trial_id, const std::string& attempt_id, const core::Result& result,
                      WallTime at) override;
  Status DiscardStagedPredictions(const std::string& attempt_id) override;
  Status MarkRetried(const std::string& trial_id) override;
  StatusOr<std::vector<std::string>> WorkersTakenDown(const std::string& trial_id) override;
  StatusOr<std::optional<AnsweredRequest>> FindRequest(const std::string& id) override;
  Status InsertRequest(const AnsweredRequest& request, WallTime at, WallTime keep_since) override;
  StatusOr<std::optional<std::string>> PutArtifact(const core::Artifact& artifact) override;
  StatusOr<std::optional<std::string>> RemoveArtifact(const std::string& trial_id,
                                                      core::ArtifactKind kind) override;
  Status PutComparison(const core::Comparison& comparison) override;
  Status RemoveComparisons(std::int64_t configuration_id) override;
  Status ChooseCandidate(std::int64_t row_id, std::int64_t candidate_id, const std::string& edge) override;
  Status PutForeignRow(const core::ForeignRow& row) override;
  Status RemoveForeignRow(const std::string& sweep_id, const std::string& name) override;
  ScoreWriter& scores() override { return *this; }
  Status RemoveLogs(const std::string& sweep_id) override;
  Status Part(const std::function<Status()>& body) override;

  // Internal, ResourceExhausted or Unavailable, as ToStatus has them.
  Status failure() const override { return failure_; }

 private:
  // Guarded, once for every change: notes in failure_ what was the machine's fault.
  template <typename What, typename Body>
  auto Run(const What& what, const Body& body) -> decltype(body()) {
    if (!failure_.ok()) return failure_;
    auto outcome = Guarded(what, body);
    const Status& status = StatusOf(outcome);
    if (absl::IsInternal(status) || absl::IsUnavailable(status) || absl::IsResourceExhausted(status)) {
      failure_ = status;
    }
    return outcome;
  }
  Status PutForeignSummaries(const std::string& sweep_id, const std::string& name, std::int64_t seed,
                             const std::vector<core::ForeignSummary>& summaries) override;
  Status PutForeignComparison(const core::ForeignComparison& row) override;
  Status RemoveForeignComparisons(const std::string& sweep_id) override;
  Status PutScoreRun(const std::string& sweep_id, const core::ScoreRun& run, WallTime at) override;
  StatusOr<std::int64_t> PutBenchmarks(const core::Benchmarks& measured, WallTime at) override;
  Status MarkExtended(const std::string& sweep_id) override;
  void RemoveWhatHangsOn(const std::string& sweep_id, const std::string& name);
  bool AnyStaged(const std::string& trial_id);
  Status CheckPredictions(const std::string& attempt_id, const core::Result& result);
  // How many rows: none where the attempt is not the trial's.
  std::int64_t InsertResultRow(const std::string& trial_id, const std::string& attempt_id,
                               const core::Result& result, WallTime at);
  Status WhyNoResult(const std::string& attempt_id);

  Connection& connection_;
  const std::string& build_;
  Status failure_;
};

}  // namespace lorikeet::store
