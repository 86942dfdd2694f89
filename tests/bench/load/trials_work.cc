#include <algorithm>
#include <utility>

#include "common/build_info.h"
#include "tests/bench/load/work.h"

namespace lorikeet::load {
namespace {

void FillStarted(v1::Event& event) {
  event.set_sequence(1);
  v1::Started& started = *event.mutable_started();
  started.set_device("cpu");
  started.set_device_model("simulated");
  started.set_threads(1);
  started.set_micro_batch_size(16);
  started.set_total_steps(100);
  started.set_build(Build());
}

void FillScore(v1::SplitScore& score) {
  v1::RougeF1& rouge = *score.mutable_rouge();
  rouge.set_rouge1(0.4352);
  rouge.set_rouge2(0.1731);
  rouge.set_rougel(0.2687);
  rouge.set_rougelsum(0.3904);
  score.set_documents(400);
  score.set_sources_cut(0.61);
  score.set_targets_cut(0.12);
}

// All that a trainer says at the end of a small training, but for the predictions.
void FillResult(v1::Event& event) {
  event.set_sequence(2);
  v1::Result& result = *event.mutable_result();
  FillScore(*result.mutable_test());
  FillScore(*result.mutable_validation());
  result.set_validation_loss(2.31);
  result.set_test_loss(2.34);
  result.set_kept_step(100);
  result.set_last_step(100);
  result.set_train_documents(1600);
  result.set_trainable_parameters(344'064);
  result.set_trainable_share(0.0056);
  result.set_device("cpu");
  result.set_device_model("simulated");
  result.set_threads(1);
  result.set_micro_batch_size(16);
  result.set_precision("fp32");
  result.set_train_seconds(61.5);
  result.set_tokens_per_second(26'000);
  result.set_peak_memory_bytes(3LL << 30);
  result.set_latency_p50_seconds(0.41);
  result.set_latency_p95_seconds(0.63);
  result.set_generated_tokens_per_second(310);
  result.set_adapter_bytes(1'400'000);
  result.set_data_fingerprint("8c1f0a52b7d94e3360aa");
  result.set_model_fingerprint("d20b7e19c4f3586170bb");
}

struct Running {
  std::string attempt_id, trial_id;
  std::int64_t token = 0;
};

class Trials : public Work {
 public:
  Trials(Tally& tally, bool with_result) : tally_(tally), last_(with_result ? 2 : 1) {
    v1::EventBatch& batch = *report_.mutable_events();
    FillStarted(*batch.add_events());
    if (with_result) FillResult(*batch.add_events());
  }

  void Granted(const v1::Grant& grant, Outbox& outbox) override {
    running_.push_back({grant.attempt_id(), grant.trial_id(), grant.token()});
    v1::WorkerMessage message = report_;
    message.mutable_events()->set_attempt_id(grant.attempt_id());
    message.mutable_events()->set_token(grant.token());
    outbox.Send(std::move(message));
    if (last_ == 1) return;
    // As a worker whose trainer leaves after its last word: it does not wait for an acknowledgement.
    v1::WorkerMessage closed;
    closed.mutable_closed()->set_attempt_id(grant.attempt_id());
    closed.mutable_closed()->set_token(grant.token());
    outbox.Send(std::move(closed));
  }

  void Acknowledged(const v1::Ack& ack, Outbox&) override {
    const auto found = std::find_if(running_.begin(), running_.end(),
                                    [&](const Running& each) { return each.attempt_id == ack.attempt_id(); });
    if (found == running_.end()) return;
    if (ack.superseded()) {
      ++tally_.taken_back;
    } else if (ack.sequence() < last_) {
      return;
    } else if (last_ == 1) {
      ++tally_.started;
      return;
    } else {
      tally_.CountResult();
      finished_.push_back(std::move(found->trial_id));
    }
    running_.erase(found);
  }

  void AddLeases(v1::Renew& renew) const override {
    for (const Running& each : running_) {
      v1::Lease& lease = *renew.add_leases();
      lease.set_attempt_id(each.attempt_id);
      lease.set_token(each.token);
    }
  }

  const std::vector<std::string>& finished() const override { return finished_; }

 private:
  Tally& tally_;
  const std::int64_t last_;   // number of the event that is waited for
  v1::WorkerMessage report_;  // copied for each attempt
  std::vector<Running> running_;
  std::vector<std::string> finished_;
};

}  // namespace

std::unique_ptr<Work> MakeNoOpTrials(Tally& tally) { return std::make_unique<Trials>(tally, true); }
std::unique_ptr<Work> MakeHeldTrials(Tally& tally) { return std::make_unique<Trials>(tally, false); }

}  // namespace lorikeet::load
