#include "tests/fleet/coordinator.h"

#include <gtest/gtest.h>

#include <utility>

#include "coordinator/rpc/convert.h"

namespace lorikeet::fleet {
namespace {

constexpr Duration kTickEvery = milliseconds(1000);

}  // namespace

// The service's hold on a stream. Nothing of a dead process is heard any more.
class Coordinator::Connection : public service::WorkerConnection {
 public:
  Connection(Coordinator& owner, std::shared_ptr<Stream> stream)
      : owner_(owner), life_(owner.life_), stream_(std::move(stream)) {}
  void Send(service::ToWorker message) override {
    if (owner_.dying_ || owner_.forging_ || owner_.life_ != life_) return;
    const v1::CoordinatorMessage wire = rpc::ToWire(message, "0.1.0");
    if (wire.has_ack()) owner_.NoteAck(wire.ack());
    stream_->Down(wire);
    if (wire.has_replaced()) stream_->CloseCoordinator("replaced");
  }

 private:
  Coordinator& owner_;
  const std::uint64_t life_;
  const std::shared_ptr<Stream> stream_;
};

Coordinator::Coordinator(World& world, std::string folder, Rules rules)
    : world_(world), folder_(std::move(folder)), rules_(rules), clock_(world, std::chrono::hours(3)) {}

void Coordinator::Start() {
  auto opened = store::Store::Open(folder_, {.build = "0.1.0", .vfs = ""});
  ASSERT_TRUE(opened.ok()) << opened.status();
  disk_ = *std::move(opened);
  database_ = disk_->path();
  dying_ = false;
  StoreHooks hooks;
  hooks.dies_before = [this] {
    if (dies_in_ > 0 && --dies_in_ == 0 && !dies_committed_) dying_ = true;
    if (dying_) return true;
    if (dies_in_ == 0 && dies_committed_) dies_in_ = -1;
    return false;
  };
  hooks.dies_after = [this] {
    if (dies_in_ < 0) dies_in_ = 0, dies_committed_ = false, dying_ = true;
    return dying_;
  };
  hooks.loses = [this] { return !rules_.commit_before_ack && world_.Chance(20); };
  if (!rules_.check_tokens) hooks.token = [this] { return reported_token_; };
  hooks.forgets = !rules_.reload_every_lease;
  store_ = HookedStore(*disk_, std::move(hooks));
  ++life_;
  auto service = service::Service::Create({.build = "0.1.0"}, *store_, clock_, world_.dice());
  if (!service.ok()) {
    if (!dying_) broken_ = "the coordinator does not start: " + Message(service.status());
    return Kill();
  }
  service_ = *std::move(service);
  world_.Note("coordinator up");
  Tick(life_);
}

void Coordinator::Kill() {
  world_.Note("coordinator killed");
  ++life_;
  dies_in_ = 0;
  const auto streams = std::exchange(streams_, {});
  service_.reset();
  store_.reset();
  disk_.reset();
  for (const std::shared_ptr<Stream>& stream : streams) stream->CloseCoordinator("the connection was reset");
}

void Coordinator::Tick(std::uint64_t life) {
  if (life != life_ || !up()) return;
  if (!Settle(service_->Tick())) return;
  world_.After(kTickEvery, [this, life] { Tick(life); });
}

bool Coordinator::Settle(const Status& status) {
  if (dying_ || absl::IsInternal(status)) {
    EXPECT_TRUE(dying_) << status;
    Kill();
  }
  settle();
  return up();
}

bool Coordinator::Accept(const std::shared_ptr<Stream>& stream) {
  if (!up()) return false;
  streams_.push_back(stream);
  const auto dialogue =
      std::make_shared<rpc::WorkerDialogue>(*service_, std::make_shared<Connection>(*this, stream));
  const auto end = [this, stream, dialogue](const std::string& reason) {
    std::erase(streams_, stream);
    stream->CloseCoordinator(reason);
    dialogue->Close();
    Settle(absl::OkStatus());
  };
  stream->coordinator.message = [this, stream, dialogue, end](const v1::WorkerMessage& message) {
    if (message.has_events() && world_.Chance(20)) Forge(message, *dialogue);
    if (message.has_events()) {
      reported_token_ = message.events().token();
      for (const v1::Event& event : message.events().events()) {
        if (event.has_result()) results_sent_[message.events().attempt_id()] = event.sequence();
      }
    }
    const Status status = dying_ ? Internal("killed") : dialogue->Handle(message);
    if (Settle(status) && !status.ok()) end(Message(status));
  };
  stream->coordinator.broken = [end] { end("closed"); };
  return true;
}

void Coordinator::Forge(v1::WorkerMessage message, rpc::WorkerDialogue& dialogue) {
  v1::EventBatch& batch = *message.mutable_events();
  batch.set_token(batch.token() - 1);
  reported_token_ = batch.token();
  for (v1::Event& event : *batch.mutable_events()) {
    if (event.has_metric()) event.mutable_metric()->set_value(-1);
    if (event.has_result()) event.mutable_result()->mutable_test()->mutable_rouge()->set_rouge1(1);
  }
  forging_ = true;
  [[maybe_unused]] const Status refused = dialogue.Handle(message);
  forging_ = false;
}

void Coordinator::NoteAck(const v1::Ack& ack) {
  const auto result = results_sent_.find(ack.attempt_id());
  if (result == results_sent_.end() || ack.superseded() || ack.sequence() < result->second) return;
  promised_.insert(ack.attempt_id());
}

}  // namespace lorikeet::fleet
