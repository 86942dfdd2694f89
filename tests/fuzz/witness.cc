#include "tests/fuzz/witness.h"

#include "common/build_info.h"

namespace lorikeet::fuzz {

Witness::Witness(Coordinator& coordinator) : coordinator_(coordinator) {
  Greet(Hello());
  const auto* const grant = std::get_if<service::Grant>(&stream_->inbox().back());
  Require(grant != nullptr, "the witness has its trial");
  lease_ = {grant->attempt.id, grant->attempt.token};
  v1::WorkerMessage message;
  v1::EventBatch& batch = *message.mutable_events();
  batch.set_attempt_id(lease_.attempt_id);
  batch.set_token(lease_.token);
  v1::Event& event = *batch.add_events();
  event.set_sequence(1);
  event.mutable_started()->set_device("cpu");
  Say(message);
}

v1::WorkerMessage Witness::Hello() const {
  v1::WorkerMessage message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_protocol_version(kProtocolVersion);
  hello.set_worker_id(kId);
  hello.set_hostname("witness");
  (*hello.mutable_labels())["who"] = "witness";
  v1::Slot& slot = *hello.add_slots();
  slot.set_kind("cpu");
  slot.set_memory_bytes(std::int64_t{1} << 33);
  slot.set_threads(1);
  return message;
}

void Witness::Greet(const v1::WorkerMessage& hello) {
  stream_ = coordinator_.Open();
  Say(hello);
  Require(!stream_->inbox().empty() && std::holds_alternative<service::Welcome>(stream_->inbox().front()),
          "the witness is welcome");
}

void Witness::Say(const v1::WorkerMessage& message) {
  coordinator_.Say(stream_, message.SerializeAsString());
  coordinator_.RunTurn();
  Check();
}

void Witness::Check() const { Require(stream_->open(), "nobody ends another's session"); }

void Witness::Renew() {
  v1::WorkerMessage message;
  v1::Renew& renew = *message.mutable_renew();
  renew.set_nonce(++nonce_);
  v1::Lease& lease = *renew.add_leases();
  lease.set_attempt_id(lease_.attempt_id);
  lease.set_token(lease_.token);
  Say(message);
  const auto* const renewed = std::get_if<service::Renewed>(&stream_->inbox().back());
  Require(renewed != nullptr && renewed->nonce == nonce_ && renewed->attempt_ids.size() == 1,
          "the witness' lease goes on");
}

void Witness::Reconnect() {
  v1::WorkerMessage message = Hello();
  v1::Held& held = *message.mutable_hello()->add_held();
  held.set_attempt_id(lease_.attempt_id);
  held.set_token(lease_.token);
  held.set_running(true);
  held.add_slots(0);
  held.set_spooled_sequence(1);
  Greet(message);
  const auto& welcome = std::get<service::Welcome>(stream_->inbox().front());
  Require(welcome.keep.size() == 1 && welcome.keep[0].second == 1, "the witness keeps its attempt");
}

void Witness::Finish() {
  v1::WorkerMessage message;
  v1::EventBatch& batch = *message.mutable_events();
  batch.set_attempt_id(lease_.attempt_id);
  batch.set_token(lease_.token);
  v1::Event& event = *batch.add_events();
  event.set_sequence(2);
  event.mutable_result()->set_precision("fp32");
  Say(message);
  const auto* const ack = std::get_if<service::Ack>(&stream_->inbox().back());
  Require(ack != nullptr && ack->sequence == 2 && !ack->superseded, "the witness' result is accepted");
  const auto sweep = coordinator_.service().GetSweep("witness");
  RequireOk(sweep.status(), "the witness' sweep can be seen");
  Require(sweep->succeeded == 1, "the witness' trial has succeeded");
}

}  // namespace lorikeet::fuzz
