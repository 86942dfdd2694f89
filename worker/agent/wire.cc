#include "worker/agent/wire.h"

#include <variant>

namespace lorikeet::agent {
namespace {

void Fill(const protocol::RougeF1& from, v1::RougeF1* to) {
  to->set_rouge1(from.rouge1);
  to->set_rouge2(from.rouge2);
  to->set_rougel(from.rougeL);
  to->set_rougelsum(from.rougeLsum);
}

void Fill(const protocol::SplitScore& from, v1::SplitScore* to) {
  Fill(from.rouge, to->mutable_rouge());
  to->set_documents(from.documents);
  to->set_sources_cut(from.sources_cut);
  to->set_targets_cut(from.targets_cut);
  to->set_outputs_cut(from.outputs_cut);
}

// Fills the event's one field from each kind.
struct Converter {
  v1::Event& to;
  const std::string& reason;

  bool operator()(const protocol::Started& from) const {
    v1::Started* started = to.mutable_started();
    started->set_device(from.device);
    started->set_device_model(from.device_model);
    started->set_threads(from.threads);
    started->set_micro_batch_size(from.micro_batch_size);
    started->set_from_step(from.from_step);
    started->set_total_steps(from.total_steps);
    started->set_build(from.build);
    started->set_data_fingerprint(from.data_fingerprint);
    started->set_model_fingerprint(from.model_fingerprint);
    return true;
  }
  bool operator()(const protocol::Progress&) const { return false; }
  bool operator()(const protocol::Metric& from) const {
    to.mutable_metric()->set_step(from.step);
    to.mutable_metric()->set_name(from.name);
    to.mutable_metric()->set_value(from.value);
    return true;
  }
  bool operator()(const protocol::Log& from) const {
    to.mutable_log()->set_level(from.level);
    to.mutable_log()->set_message(from.message);
    return true;
  }
  bool operator()(const protocol::CheckpointSaved& from) const {
    to.mutable_checkpoint()->set_step(from.step);
    return true;
  }
  bool operator()(const protocol::OutOfMemory& from) const {
    v1::OutOfMemory* out_of_memory = to.mutable_out_of_memory();
    out_of_memory->set_phase(from.phase);
    out_of_memory->set_step(from.step);
    out_of_memory->set_micro_batch_size(from.micro_batch_size);
    out_of_memory->set_parts(from.parts);
    out_of_memory->set_message(from.message);
    return true;
  }
  bool operator()(const protocol::Document& from) const {
    v1::Document* document = to.mutable_document();
    document->set_split(from.split);
    document->set_id(from.id);
    document->set_position(from.position);
    document->set_article(from.article);
    document->set_reference(from.reference);
    return true;
  }
  bool operator()(const protocol::Prediction& from) const {
    v1::Prediction* prediction = to.mutable_prediction();
    prediction->set_split(from.split);
    prediction->set_id(from.id);
    prediction->set_position(from.position);
    prediction->set_summary(from.summary);
    prediction->set_tokens(from.tokens);
    Fill(from.rouge, prediction->mutable_rouge());
    return true;
  }
  bool operator()(const protocol::Result& from) const {
    v1::Result* result = to.mutable_result();
    Fill(from.test, result->mutable_test());
    Fill(from.validation, result->mutable_validation());
    if (from.validation_loss) result->set_validation_loss(*from.validation_loss);
    if (from.test_loss) result->set_test_loss(*from.test_loss);
    result->set_kept_step(from.kept_step);
    result->set_last_step(from.last_step);
    result->set_train_documents(from.train_documents);
    result->set_empty_documents(from.empty_documents);
    result->set_trainable_parameters(from.trainable_parameters);
    result->set_trainable_share(from.trainable_share);
    result->set_device(from.device);
    result->set_device_model(from.device_model);
    result->set_threads(from.threads);
    result->set_micro_batch_size(from.micro_batch_size);
    result->set_precision(from.precision);
    result->set_train_seconds(from.train_seconds);
    result->set_tokens_per_second(from.tokens_per_second);
    result->set_peak_memory_bytes(from.peak_memory_bytes);
    result->set_latency_p50_seconds(from.latency_p50_seconds);
    result->set_latency_p95_seconds(from.latency_p95_seconds);
    result->set_generated_tokens_per_second(from.generated_tokens_per_second);
    result->set_adapter_bytes(from.adapter_bytes);
    result->set_data_fingerprint(from.data_fingerprint);
    result->set_model_fingerprint(from.model_fingerprint);
    result->set_predictions(from.predictions);
    return true;
  }
  bool operator()(const protocol::Stopped& from) const {
    to.mutable_returned()->set_step(from.step);
    to.mutable_returned()->set_checkpointed(from.checkpointed);
    to.mutable_returned()->set_reason(reason);
    return true;
  }
  bool operator()(const protocol::Failed& from) const {
    to.mutable_failed()->set_kind(from.kind);
    to.mutable_failed()->set_message(from.message);
    return true;
  }
};

}  // namespace

std::optional<v1::Event> ToWire(const protocol::Event& event, const std::string& reason) {
  v1::Event wire;
  if (!std::visit(Converter{wire, reason}, event)) return std::nullopt;
  return wire;
}

v1::Slot ToWire(const Slot& slot) {
  v1::Slot wire;
  wire.set_index(slot.index);
  wire.set_kind(slot.kind);
  wire.set_device(slot.device);
  wire.set_device_model(slot.device_model);
  wire.set_memory_bytes(slot.memory_bytes);
  wire.set_threads(slot.threads);
  return wire;
}

bool IsFinal(const v1::Event& event) {
  return event.has_result() || event.has_returned() || event.has_failed();
}

}  // namespace lorikeet::agent
