// Scores that come from outside, from a client: kept in memory until the last has come, then taken in by one
// turn of the service.
#include <memory>
#include <string>
#include <utility>

#include "common/rpc/status_codes.h"
#include "common/sha256.h"
#include "coordinator/rpc/checks.h"
#include "coordinator/rpc/field_checker.h"
#include "coordinator/rpc/request_key.h"
#include "coordinator/rpc/sweep_service.h"

namespace lorikeet::rpc {
namespace {

service::ScoredDocument FromWire(v1::ScoredDocument& from) {
  service::ScoredDocument to;
  to.id = std::move(*from.mutable_id());
  to.summary = std::move(*from.mutable_summary());
  to.scores.assign(from.scores().begin(), from.scores().end());
  return to;
}

// As that of a paper's row.
Status CheckRowName(const std::string& name) {
  FieldChecker check("scores");
  check.Word("configuration", name);
  return check.status();
}

}  // namespace

// begin ─▶ [documents]… ─▶ end ─▶ service: all of it ─▶ answer
class SweepServiceHandler::ScoresReactor : public grpc::ServerReadReactor<v1::PutScoresMessage> {
 public:
  ScoresReactor(SweepServiceHandler& owner, grpc::CallbackServerContext* context,
                v1::PutScoresResponse* response)
      : owner_(owner), context_(context), response_(response) {
    Status allowed = owner_.access_.Check(context->client_metadata(), Role::kClient).status();
    if (allowed.ok() && !owner_.extracts_.Add(context)) allowed = TooManyTransfers("uploads and exports");
    if (!allowed.ok()) {
      End(allowed);
      return;
    }
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    owner_.extracts_.Moved(context_);
    if (!ok) {
      if (!begun_) return End(InvalidArgument("the first message of scores says what comes"));
      if (context_->IsCancelled()) return End(absl::CancelledError("the upload was given up"));
      return TakeIn();
    }
    const auto bytes = static_cast<std::int64_t>(message_.ByteSizeLong());
    counted_ += bytes;
    if ((owner_.scores_coming_ += bytes) > kMostScoreBytes) {
      return End(MakeStatus(absl::StatusCode::kResourceExhausted,
                            "more than {} MiB of scores are on their way: hand in fewer rows at a time",
                            kMostScoreBytes >> 20));
    }
    if (const Status taken = Take(); !taken.ok()) return End(taken);
    StartRead(&message_);
  }

  void OnDone() override {
    owner_.extracts_.Remove(context_);
    owner_.scores_coming_ -= counted_;
    delete this;
  }

 private:
  Status Take() {
    if (message_.has_begin() == begun_) {
      return InvalidArgument("the first message of scores, and no other, says what comes");
    }
    if (message_.has_begin()) {
      v1::PutScoresBegin& begin = *message_.mutable_begin();
      RETURN_IF_ERROR(CheckLimits(begin));
      key_.id = begin.request_id();
      begin.clear_request_id();
      upload_.sweep = begin.sweep();
      upload_.predictions = begin.predictions();
      upload_.source = begin.source();
      upload_.metrics.assign(begin.metrics().begin(), begin.metrics().end());
      begun_ = true;
    } else {
      RETURN_IF_ERROR(CheckLimits(message_.documents()));
      if (upload_.predictions) RETURN_IF_ERROR(CheckRowName(message_.documents().configuration()));
    }
    asked_.Add(FingerprintOf(message_));
    if (!message_.has_documents()) return absl::OkStatus();
    v1::ScoredDocuments& documents = *message_.mutable_documents();
    if (upload_.runs.empty() || upload_.runs.back().configuration != documents.configuration() ||
        upload_.runs.back().seed != documents.seed()) {
      upload_.runs.push_back(
          {.configuration = documents.configuration(), .seed = documents.seed(), .documents = {}});
    }
    for (v1::ScoredDocument& document : *documents.mutable_documents())
      upload_.runs.back().documents.push_back(FromWire(document));
    return absl::OkStatus();
  }

  void TakeIn() {
    key_.fingerprint = asked_.Hex();
    const auto put = [this](service::Service& service) -> Status {
      ASSIGN_OR_RETURN(const service::ScoresTaken taken, service.PutScores(upload_));
      response_->set_sweep(taken.sweep);
      for (const std::string& row : taken.rows) response_->add_rows(row);
      response_->set_runs(taken.runs);
      response_->set_documents(taken.documents);
      return absl::OkStatus();
    };
    owner_.service_.Post({.kind = service::Request::Kind::kChange,
                          .work = DoOnce(key_, response_, put),
                          .done = [this](const Status& status) { End(status); }});
  }

  // The last that is done with this object: gRPC deletes it.
  void End(const Status& status) {
    const grpc::Status answer = ToGrpc(status);
    if (owner_.observer_ != nullptr) owner_.observer_->CallDone(CodeName(answer.error_code()));
    Finish(answer);
  }

  SweepServiceHandler& owner_;
  grpc::CallbackServerContext* const context_;
  v1::PutScoresResponse* const response_;
  v1::PutScoresMessage message_;
  bool begun_ = false;
  std::int64_t counted_ = 0;
  Sha256 asked_;
  service::RequestKey key_;
  service::ScoresUpload upload_;
};

grpc::ServerReadReactor<v1::PutScoresMessage>* SweepServiceHandler::PutScores(
    grpc::CallbackServerContext* context, v1::PutScoresResponse* response) {
  return new ScoresReactor(*this, context, response);
}

}  // namespace lorikeet::rpc
