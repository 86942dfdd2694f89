#include <utility>

#include "tests/bench/load/work.h"

namespace lorikeet::load {
namespace {

// One attempt; further grants are held and say nothing.
class MetricStream : public Work {
 public:
  MetricStream(Tally& tally, const MetricFlow& flow) : tally_(tally), flow_(flow) {}

  void Granted(const v1::Grant& grant, Outbox& outbox) override {
    if (!attempt_id_.empty()) return;
    attempt_id_ = grant.attempt_id();
    token_ = grant.token();
    v1::WorkerMessage message = NewBatch();
    v1::Event& event = *message.mutable_events()->add_events();
    event.set_sequence(++sent_);
    event.mutable_started()->set_device("cpu");
    outbox.Send(std::move(message));
    Fill(outbox);
  }

  void Acknowledged(const v1::Ack& ack, Outbox& outbox) override {
    if (ack.attempt_id() != attempt_id_) return;
    if (ack.superseded()) {
      ++tally_.taken_back;
      return;
    }
    if (ack.sequence() <= acknowledged_) return;
    // The first event is no point.
    tally_.points += ack.sequence() - acknowledged_ - (acknowledged_ == 0 ? 1 : 0);
    if (acknowledged_ == 0) ++tally_.started;
    acknowledged_ = ack.sequence();
    Fill(outbox);
  }

  void AddLeases(v1::Renew& renew) const override {
    if (attempt_id_.empty()) return;
    v1::Lease& lease = *renew.add_leases();
    lease.set_attempt_id(attempt_id_);
    lease.set_token(token_);
  }

  const std::vector<std::string>& finished() const override { return finished_; }

 private:
  v1::WorkerMessage NewBatch() const {
    v1::WorkerMessage message;
    message.mutable_events()->set_attempt_id(attempt_id_);
    message.mutable_events()->set_token(token_);
    return message;
  }

  // Sends until the window is full.
  void Fill(Outbox& outbox) {
    while (!flow_.stop && sent_ - acknowledged_ <= (flow_.window - 1) * flow_.batch) {
      v1::WorkerMessage message = NewBatch();
      message.mutable_events()->mutable_events()->Reserve(static_cast<int>(flow_.batch));
      for (std::int64_t i = 0; i < flow_.batch; ++i) {
        v1::Event& event = *message.mutable_events()->add_events();
        event.set_sequence(++sent_);
        v1::Metric& metric = *event.mutable_metric();
        metric.set_step(sent_);
        metric.set_name("train_loss");
        metric.set_value(1.0 / static_cast<double>(sent_));
      }
      tally_.points_sent += flow_.batch;
      outbox.Send(std::move(message));
    }
  }

  Tally& tally_;
  const MetricFlow& flow_;
  std::string attempt_id_;
  std::int64_t token_ = 0, sent_ = 0, acknowledged_ = 0;  // events' numbers
  const std::vector<std::string> finished_;               // none ever
};

}  // namespace

std::unique_ptr<Work> MakeMetricStream(Tally& tally, const MetricFlow& flow) {
  return std::make_unique<MetricStream>(tally, flow);
}

}  // namespace lorikeet::load
