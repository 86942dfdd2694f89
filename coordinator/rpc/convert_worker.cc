#include <utility>

#include "common/build_info.h"
#include "coordinator/rpc/convert.h"

namespace lorikeet::rpc {
namespace {

core::RougeF1 Rouge(const v1::RougeF1& rouge) {
  return {rouge.rouge1(), rouge.rouge2(), rouge.rougel(), rouge.rougelsum()};
}

core::SplitScore Split(const v1::SplitScore& split) {
  return {Rouge(split.rouge()), split.documents(), split.sources_cut(), split.targets_cut(),
          split.outputs_cut()};
}

core::Result Result(const v1::Result& from) {
  core::Result result;
  result.test = Split(from.test());
  result.validation = Split(from.validation());
  if (from.has_validation_loss()) result.validation_loss = from.validation_loss();
  if (from.has_test_loss()) result.test_loss = from.test_loss();
  result.kept_step = from.kept_step();
  result.last_step = from.last_step();
  result.train_documents = from.train_documents();
  result.empty_documents = from.empty_documents();
  result.trainable_parameters = from.trainable_parameters();
  result.trainable_share = from.trainable_share();
  result.device = from.device();
  result.device_model = from.device_model();
  result.precision = from.precision();
  result.threads = from.threads();
  result.micro_batch_size = from.micro_batch_size();
  result.train_seconds = from.train_seconds();
  result.tokens_per_second = from.tokens_per_second();
  result.peak_memory_bytes = from.peak_memory_bytes();
  result.latency_p50_seconds = from.latency_p50_seconds();
  result.latency_p95_seconds = from.latency_p95_seconds();
  result.generated_tokens_per_second = from.generated_tokens_per_second();
  result.adapter_bytes = from.adapter_bytes();
  result.data_fingerprint = from.data_fingerprint();
  result.model_fingerprint = from.model_fingerprint();
  result.predictions = from.predictions();
  return result;
}

StatusOr<service::Event> EventFromWire(const v1::Event& event) {
  switch (event.event_case()) {
    case v1::Event::kStarted: {
      const v1::Started& from = event.started();
      return service::Started{.device = from.device(),
                              .device_model = from.device_model(),
                              .build = from.build(),
                              .threads = from.threads(),
                              .micro_batch_size = from.micro_batch_size(),
                              .from_step = from.from_step(),
                              .total_steps = from.total_steps(),
                              .data_fingerprint = from.data_fingerprint(),
                              .model_fingerprint = from.model_fingerprint()};
    }
    case v1::Event::kFingerprints: {
      service::Fingerprints found;
      for (const v1::Fingerprint& file : event.fingerprints().files())
        found.files.push_back({file.name(), file.value(), file.error()});
      return found;
    }
    case v1::Event::kMetric:
      return core::Metric{event.metric().step(), event.metric().name(), event.metric().value()};
    case v1::Event::kLog:
      return service::Log{event.log().level(), event.log().message()};
    case v1::Event::kCheckpoint:
      return service::CheckpointSaved{event.checkpoint().step()};
    case v1::Event::kOutOfMemory: {
      const v1::OutOfMemory& from = event.out_of_memory();
      return service::OutOfMemory{.phase = from.phase(),
                                  .step = from.step(),
                                  .micro_batch_size = from.micro_batch_size(),
                                  .parts = from.parts(),
                                  .message = from.message()};
    }
    case v1::Event::kDocument: {
      const v1::Document& from = event.document();
      return core::Document{from.split(), from.id(), from.article(), from.reference(), from.position()};
    }
    case v1::Event::kPrediction: {
      const v1::Prediction& from = event.prediction();
      return core::Prediction{from.split(),    from.id(),     from.summary(),
                              from.position(), from.tokens(), Rouge(from.rouge())};
    }
    case v1::Event::kResult:
      return Result(event.result());
    case v1::Event::kReturned:
      return service::Returned{event.returned().step(), event.returned().checkpointed(),
                               event.returned().reason(), event.returned().not_started()};
    case v1::Event::kFailed:
      return service::Failed{event.failed().kind(), event.failed().message()};
    case v1::Event::EVENT_NOT_SET:
      break;
  }
  return InvalidArgument("event {}: of a kind that this coordinator does not know", event.sequence());
}

std::int64_t Milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

// One overload a message; std::visit picks.
struct Encoder {
  const std::string& build;
  v1::CoordinatorMessage& out;

  void operator()(const service::Welcome& from) const {
    v1::Welcome& to = *out.mutable_welcome();
    to.set_protocol_version(kProtocolVersion);
    to.set_build(build);
    to.set_session(from.session);
    to.set_lease_milliseconds(Milliseconds(from.lease));
    to.set_renew_milliseconds(Milliseconds(from.renew_every));
    for (const auto& [attempt, committed] : from.keep) {
      to.add_keep(attempt);
      to.add_committed(committed);
    }
    for (const std::string& attempt : from.stop) to.add_stop(attempt);
  }
  void operator()(const service::Grant& from) const {
    v1::Grant& to = *out.mutable_grant();
    to.set_attempt_id(from.attempt.id);
    to.set_token(from.attempt.token);
    to.set_trial_id(from.attempt.trial_id);
    to.set_number(from.attempt.number);
    to.set_sweep_id(from.sweep_id);
    to.set_trial_name(from.trial_name);
    to.set_trial_json(from.trial_json);
    for (const std::int64_t slot : from.slots) to.add_slots(slot);
    to.set_want_documents(from.want_documents);
    for (const core::Fingerprint& file : from.fingerprints) {
      v1::Fingerprint& expected = *to.add_fingerprints();
      expected.set_name(file.name);
      expected.set_value(file.value);
    }
    if (from.checkpoint) {
      to.mutable_checkpoint()->set_token(from.checkpoint->token);
      to.mutable_checkpoint()->set_step(from.checkpoint->step);
      to.mutable_checkpoint()->set_bytes(from.checkpoint->bytes);
    }
  }
  void operator()(const service::Renewed& from) const {
    out.mutable_renewed()->set_nonce(from.nonce);
    for (const std::string& attempt : from.attempt_ids) out.mutable_renewed()->add_attempt_ids(attempt);
  }
  void operator()(const service::Revoke& from) const {
    v1::Revoke& to = *out.mutable_revoke();
    to.set_attempt_id(from.attempt_id);
    to.set_token(from.token);
    to.set_checkpoint(from.checkpoint);
    to.set_trial_over(from.trial_over);
    to.set_reason(from.reason);
  }
  void operator()(const service::Ack& from) const {
    v1::Ack& to = *out.mutable_ack();
    to.set_attempt_id(from.attempt_id);
    to.set_sequence(from.sequence);
    to.set_superseded(from.superseded);
  }
  void operator()(const service::Replaced& from) const { out.mutable_replaced()->set_reason(from.reason); }
  void operator()(const service::DrainRequest&) const { out.mutable_drain(); }
};

}  // namespace

core::Slot FromWire(const v1::Slot& slot) {
  return {slot.index(),        slot.kind(),    slot.device(),    slot.device_model(),
          slot.memory_bytes(), slot.threads(), slot.quarantine()};
}

service::Hello FromWire(const v1::Hello& hello) {
  service::Hello out;
  out.protocol_version = hello.protocol_version();
  out.build = hello.build();
  out.worker_id = hello.worker_id();
  out.hostname = hello.hostname();
  out.draining = hello.draining();
  out.labels = {hello.labels().begin(), hello.labels().end()};
  out.origin = {hello.start(), hello.process(), hello.connection()};
  for (const v1::Slot& slot : hello.slots()) out.slots.push_back(FromWire(slot));
  for (const v1::Held& held : hello.held()) {
    out.held.push_back({held.attempt_id(),
                        held.token(),
                        held.running(),
                        {held.slots().begin(), held.slots().end()},
                        held.spooled_sequence()});
  }
  return out;
}

service::Renew FromWire(const v1::Renew& renew) {
  service::Renew out{.nonce = renew.nonce(), .leases = {}};
  for (const v1::Lease& lease : renew.leases()) out.leases.push_back({lease.attempt_id(), lease.token()});
  return out;
}

service::Progress FromWire(const v1::Progress& progress) {
  service::Progress out{.phase = progress.phase(),
                        .step = progress.step(),
                        .total = progress.total(),
                        .loss = {},
                        .tokens_per_second = progress.tokens_per_second(),
                        .eta_seconds = progress.eta_seconds()};
  if (progress.has_loss()) out.loss = progress.loss();
  return out;
}

StatusOr<service::Report> FromWire(const v1::EventBatch& batch) {
  service::Report report{.attempt_id = batch.attempt_id(), .token = batch.token(), .events = {}};
  report.events.reserve(static_cast<std::size_t>(batch.events_size()));
  for (const v1::Event& event : batch.events()) {
    ASSIGN_OR_RETURN(service::Event plain, EventFromWire(event));
    report.events.emplace_back(event.sequence(), std::move(plain));
  }
  return report;
}

v1::CoordinatorMessage ToWire(const service::ToWorker& message, const std::string& build) {
  v1::CoordinatorMessage out;
  std::visit(Encoder{build, out}, message);
  return out;
}

}  // namespace lorikeet::rpc
