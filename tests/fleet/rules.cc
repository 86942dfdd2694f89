#include "tests/fleet/rules.h"

#include <utility>

namespace lorikeet::fleet {
namespace {

Status Dead() { return Internal("the process was killed"); }

// Every token is the newest.
class Careless : public store::Transaction {
 public:
  Careless(store::Transaction& real, const std::function<core::Token()>& token)
      : real_(real), token_(token) {}

  Status Part(const std::function<Status()>& body) override { return real_.Part(body); }
  Status failure() const override { return real_.failure(); }
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
  Status InsertSweepFile(const core::SweepFile& file) override { return real_.InsertSweepFile(file); }
  Status PutBar(const core::Bar& bar) override { return real_.PutBar(bar); }
  Status RemoveBar(const std::string& worker_id, const std::string& sweep_id) override {
    return real_.RemoveBar(worker_id, sweep_id);
  }
  Status ForgetFiles(const std::string& sweep_id) override { return real_.ForgetFiles(sweep_id); }
  StatusOr<core::Token> NewestToken(const std::string&) override { return token_(); }
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
  Status ChooseCandidate(std::int64_t row_id, std::int64_t candidate_id, const std::string& edge) override {
    return real_.ChooseCandidate(row_id, candidate_id, edge);
  }
  Status MarkRetried(const std::string& trial_id) override { return real_.MarkRetried(trial_id); }
  StatusOr<std::vector<std::string>> WorkersTakenDown(const std::string& trial_id) override {
    return real_.WorkersTakenDown(trial_id);
  }
  StatusOr<std::optional<store::AnsweredRequest>> FindRequest(const std::string& id) override {
    return real_.FindRequest(id);
  }
  Status InsertRequest(const store::AnsweredRequest& request, WallTime at, WallTime keep_since) override {
    return real_.InsertRequest(request, at, keep_since);
  }
  StatusOr<std::optional<std::string>> PutArtifact(const core::Artifact& artifact) override {
    return real_.PutArtifact(artifact);
  }
  StatusOr<std::optional<std::string>> RemoveArtifact(const std::string& trial_id,
                                                      core::ArtifactKind kind) override {
    return real_.RemoveArtifact(trial_id, kind);
  }
  store::ScoreWriter& scores() override { return real_.scores(); }
  Status RemoveLogs(const std::string& sweep_id) override { return real_.RemoveLogs(sweep_id); }
  Status PutForeignRow(const core::ForeignRow& row) override { return real_.PutForeignRow(row); }
  Status RemoveForeignRow(const std::string& sweep_id, const std::string& name) override {
    return real_.RemoveForeignRow(sweep_id, name);
  }
  Status PutComparison(const core::Comparison& comparison) override {
    return real_.PutComparison(comparison);
  }
  Status RemoveComparisons(std::int64_t configuration_id) override {
    return real_.RemoveComparisons(configuration_id);
  }

 private:
  store::Transaction& real_;
  const std::function<core::Token()>& token_;
};

class Hooked : public store::Store {
 public:
  Hooked(store::Store& disk, StoreHooks hooks) : disk_(disk), hooks_(std::move(hooks)) {}

  StatusOr<store::Snapshot> Load() override {
    ASSIGN_OR_RETURN(store::Snapshot snapshot, disk_.Load());
    if (hooks_.forgets && !snapshot.attempts.empty()) snapshot.attempts.pop_back();
    return snapshot;
  }
  StatusOr<store::Transaction*> Begin() override {
    if (hooks_.locked()) return Unavailable("somebody has the database locked");
    ASSIGN_OR_RETURN(store::Transaction * transaction, disk_.Begin());
    if (!hooks_.token) return transaction;
    careless_ = std::make_unique<Careless>(*transaction, hooks_.token);
    return careless_.get();
  }
  Status Commit() override {
    const bool dead = hooks_.dies_before(), full = hooks_.full(), lost = hooks_.loses();
    if (dead || full || lost) disk_.Rollback();
    if (dead) return Dead();
    if (full) return MakeStatus(absl::StatusCode::kResourceExhausted, "no room on the disk");
    const Status committed = lost ? absl::OkStatus() : disk_.Commit();
    return hooks_.dies_after() ? Dead() : committed;
  }
  void Rollback() override { disk_.Rollback(); }
  StatusOr<std::string> TrialSettings(const std::string& trial_id) override {
    return disk_.TrialSettings(trial_id);
  }
  StatusOr<std::int64_t> DocumentCount(const std::string& sweep_id) override {
    return disk_.DocumentCount(sweep_id);
  }
  StatusOr<std::vector<store::Place>> LastPlaces(const std::string& sweep_id) override {
    return disk_.LastPlaces(sweep_id);
  }
  StatusOr<std::vector<core::Attempt>> Attempts(const std::string& trial_id) override {
    return disk_.Attempts(trial_id);
  }
  StatusOr<std::vector<core::HistoryEvent>> Events(const std::string& sweep_id, const std::string& trial_id,
                                                   std::int64_t after, std::int64_t most) override {
    return disk_.Events(sweep_id, trial_id, after, most);
  }
  StatusOr<std::optional<core::Artifact>> FindArtifact(const std::string& trial_id,
                                                       core::ArtifactKind kind) override {
    return disk_.FindArtifact(trial_id, kind);
  }
  StatusOr<std::vector<core::Artifact>> ArtifactsOf(const std::string& sweep_id) override {
    return disk_.ArtifactsOf(sweep_id);
  }
  StatusOr<std::vector<std::string>> ArtifactPaths() override { return disk_.ArtifactPaths(); }
  StatusOr<std::vector<core::ScoredTrial>> Scores(std::int64_t configuration_id) override {
    return disk_.Scores(configuration_id);
  }
  StatusOr<std::vector<core::Candidate>> Candidates(std::int64_t row_id, const std::string& metric) override {
    return disk_.Candidates(row_id, metric);
  }
  StatusOr<std::vector<core::Comparison>> Comparisons(const std::string& sweep_id) override {
    return disk_.Comparisons(sweep_id);
  }
  store::ScoreReader& scores() override { return disk_.scores(); }
  StatusOr<store::LogSize> LogsOf(const std::string& sweep_id) override { return disk_.LogsOf(sweep_id); }
  std::string path() const override { return disk_.path(); }
  StatusOr<std::int64_t> FreeBytes() override { return disk_.FreeBytes(); }
  Status Close() override { return disk_.Close(); }

 private:
  store::Store& disk_;
  const StoreHooks hooks_;
  std::unique_ptr<Careless> careless_;
};

}  // namespace

std::unique_ptr<store::Store> HookedStore(store::Store& disk, StoreHooks hooks) {
  return std::make_unique<Hooked>(disk, std::move(hooks));
}

}  // namespace lorikeet::fleet
