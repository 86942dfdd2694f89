#include "coordinator/rpc/convert.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace lorikeet::rpc {
namespace {

// Gives every number of the message, and of those inside it, a value of its own; strings their names.
void Fill(google::protobuf::Message& message, int& next) {
  using google::protobuf::FieldDescriptor;
  const auto* reflection = message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT64:
        reflection->SetInt64(&message, field, ++next);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        reflection->SetDouble(&message, field, ++next);
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        reflection->SetString(&message, field, field->name());
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        Fill(*reflection->MutableMessage(&message, field), next);
        break;
      default:
        FAIL() << field->full_name();
    }
  }
}

TEST(Convert, ResultsLoseNothing) {
  v1::EventBatch batch;
  batch.set_attempt_id("a-1");
  batch.set_token(9);
  v1::Event& event = *batch.add_events();
  event.set_sequence(4);
  int next = 0;
  Fill(*event.mutable_result(), next);
  const v1::Result& from = event.result();

  const StatusOr<service::Report> report = FromWire(batch);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->attempt_id, "a-1");
  EXPECT_EQ(report->token, 9);
  ASSERT_EQ(report->events.size(), 1U);
  EXPECT_EQ(report->events[0].first, 4);
  const auto& to = std::get<core::Result>(report->events[0].second);
  EXPECT_EQ(to.test.rouge.rouge1, from.test().rouge().rouge1());
  EXPECT_EQ(to.test.rouge.rouge2, from.test().rouge().rouge2());
  EXPECT_EQ(to.test.rouge.rougeL, from.test().rouge().rougel());
  EXPECT_EQ(to.test.rouge.rougeLsum, from.test().rouge().rougelsum());
  EXPECT_EQ(to.test.documents, from.test().documents());
  EXPECT_EQ(to.validation.rouge.rouge1, from.validation().rouge().rouge1());
  EXPECT_EQ(to.validation.sources_cut, from.validation().sources_cut());
  EXPECT_EQ(to.validation.targets_cut, from.validation().targets_cut());
  EXPECT_EQ(to.validation.outputs_cut, from.validation().outputs_cut());
  EXPECT_EQ(to.validation_loss, from.validation_loss());
  EXPECT_EQ(to.test_loss, from.test_loss());
  EXPECT_EQ(to.kept_step, from.kept_step());
  EXPECT_EQ(to.last_step, from.last_step());
  EXPECT_EQ(to.train_documents, from.train_documents());
  EXPECT_EQ(to.empty_documents, from.empty_documents());
  EXPECT_EQ(to.trainable_parameters, from.trainable_parameters());
  EXPECT_EQ(to.trainable_share, from.trainable_share());
  EXPECT_EQ(to.device, from.device());
  EXPECT_EQ(to.device_model, from.device_model());
  EXPECT_EQ(to.precision, from.precision());
  EXPECT_EQ(to.threads, from.threads());
  EXPECT_EQ(to.micro_batch_size, from.micro_batch_size());
  EXPECT_EQ(to.train_seconds, from.train_seconds());
  EXPECT_EQ(to.tokens_per_second, from.tokens_per_second());
  EXPECT_EQ(to.peak_memory_bytes, from.peak_memory_bytes());
  EXPECT_EQ(to.latency_p50_seconds, from.latency_p50_seconds());
  EXPECT_EQ(to.latency_p95_seconds, from.latency_p95_seconds());
  EXPECT_EQ(to.generated_tokens_per_second, from.generated_tokens_per_second());
  EXPECT_EQ(to.adapter_bytes, from.adapter_bytes());
  EXPECT_EQ(to.data_fingerprint, from.data_fingerprint());
  EXPECT_EQ(to.model_fingerprint, from.model_fingerprint());
  EXPECT_EQ(to.predictions, from.predictions());
}

TEST(Convert, EventsKeepTheirKinds) {
  v1::EventBatch batch;
  batch.add_events()->mutable_started()->set_total_steps(7);
  batch.add_events()->mutable_metric()->set_value(0.5);
  batch.add_events()->mutable_log()->set_message("hello");
  batch.add_events()->mutable_checkpoint()->set_step(3);
  batch.add_events()->mutable_document()->set_reference("reference");
  batch.add_events()->mutable_prediction()->mutable_rouge()->set_rougelsum(0.25);
  batch.add_events()->mutable_returned()->set_checkpointed(true);
  batch.add_events()->mutable_failed()->set_kind("oom");
  v1::OutOfMemory& out_of_memory = *batch.add_events()->mutable_out_of_memory();
  out_of_memory.set_phase("training");
  out_of_memory.set_step(1);
  out_of_memory.set_micro_batch_size(2);
  out_of_memory.set_parts(3);
  out_of_memory.set_message("4 GiB");
  const StatusOr<service::Report> report = FromWire(batch);
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_EQ(report->events.size(), 9U);
  EXPECT_EQ(std::get<service::Started>(report->events[0].second).total_steps, 7);
  EXPECT_EQ(std::get<core::Metric>(report->events[1].second).value, 0.5);
  EXPECT_EQ(std::get<service::Log>(report->events[2].second).message, "hello");
  EXPECT_EQ(std::get<service::CheckpointSaved>(report->events[3].second).step, 3);
  EXPECT_EQ(std::get<core::Document>(report->events[4].second).reference, "reference");
  EXPECT_EQ(std::get<core::Prediction>(report->events[5].second).rouge.rougeLsum, 0.25);
  EXPECT_TRUE(std::get<service::Returned>(report->events[6].second).checkpointed);
  EXPECT_EQ(std::get<service::Failed>(report->events[7].second).kind, "oom");
  const auto& memory = std::get<service::OutOfMemory>(report->events[8].second);
  EXPECT_EQ(memory.phase, "training");
  EXPECT_EQ(memory.step, 1);
  EXPECT_EQ(memory.micro_batch_size, 2);
  EXPECT_EQ(memory.parts, 3);
  EXPECT_EQ(memory.message, "4 GiB");
}

TEST(Convert, HelloKeepsWhatTheWorkerHolds) {
  v1::Hello hello;
  hello.set_worker_id("w");
  hello.set_draining(true);
  v1::Slot& slot = *hello.add_slots();
  slot.set_kind("cuda");
  slot.set_device("cuda:0");
  slot.set_memory_bytes(8);
  v1::Held& held = *hello.add_held();
  held.set_attempt_id("a-1");
  held.set_token(5);
  held.set_running(true);
  held.add_slots(1);
  held.set_spooled_sequence(11);
  hello.set_start(3);
  hello.set_process("p-1");
  hello.set_connection(4);
  (*hello.mutable_labels())["gpu"] = "a100";
  const service::Hello plain = FromWire(hello);
  EXPECT_EQ(plain.worker_id, "w");
  EXPECT_EQ(plain.origin.start, 3);
  EXPECT_EQ(plain.origin.process, "p-1");
  EXPECT_EQ(plain.origin.connection, 4);
  EXPECT_EQ(plain.labels, (Labels{{"gpu", "a100"}}));
  EXPECT_TRUE(plain.draining);
  EXPECT_EQ(plain.slots.at(0).kind, "cuda");
  EXPECT_EQ(plain.slots.at(0).device, "cuda:0");
  EXPECT_EQ(plain.slots.at(0).memory_bytes, 8);
  EXPECT_EQ(plain.held.at(0).attempt_id, "a-1");
  EXPECT_EQ(plain.held.at(0).token, 5);
  EXPECT_TRUE(plain.held.at(0).running);
  EXPECT_EQ(plain.held.at(0).slots, std::vector<std::int64_t>{1});
  EXPECT_EQ(plain.held.at(0).spooled_sequence, 11);
}

TEST(Convert, GrantsCarryEverything) {
  service::Grant grant{.attempt = {},
                       .sweep_id = "s",
                       .trial_name = "lora rank=2 seed=1",
                       .trial_json = "{}",
                       .slots = {0, 2},
                       .want_documents = true};
  grant.attempt.id = "a-1";
  grant.attempt.token = 4;
  grant.attempt.trial_id = "t-1";
  grant.attempt.number = 2;
  EXPECT_FALSE(ToWire(grant, "build").grant().has_checkpoint());
  grant.checkpoint = service::GrantCheckpoint{.token = 3, .step = 40, .bytes = 5000};
  const v1::Grant wire = ToWire(grant, "build").grant();
  EXPECT_EQ(wire.checkpoint().token(), 3);
  EXPECT_EQ(wire.checkpoint().step(), 40);
  EXPECT_EQ(wire.checkpoint().bytes(), 5000);
  EXPECT_EQ(wire.attempt_id(), "a-1");
  EXPECT_EQ(wire.token(), 4);
  EXPECT_EQ(wire.trial_id(), "t-1");
  EXPECT_EQ(wire.number(), 2);
  EXPECT_EQ(wire.sweep_id(), "s");
  EXPECT_EQ(wire.trial_name(), "lora rank=2 seed=1");
  EXPECT_EQ(wire.trial_json(), "{}");
  EXPECT_EQ(wire.slots(1), 2);
  EXPECT_TRUE(wire.want_documents());
}

TEST(Convert, FilesLoseNothing) {
  v1::EventBatch batch;
  v1::Fingerprint& file = *batch.add_events()->mutable_fingerprints()->add_files();
  file.set_name("model");
  file.set_value("aa");
  file.set_error("bb");
  batch.add_events()->mutable_returned()->set_not_started(true);
  batch.add_events()->mutable_started()->set_data_fingerprint("cc");
  const StatusOr<service::Report> report = FromWire(batch);
  ASSERT_TRUE(report.ok()) << report.status();
  const auto& found = std::get<service::Fingerprints>(report->events[0].second).files.at(0);
  EXPECT_EQ(found.name + found.value + found.error, "modelaabb");
  EXPECT_TRUE(std::get<service::Returned>(report->events[1].second).not_started);
  EXPECT_EQ(std::get<service::Started>(report->events[2].second).data_fingerprint, "cc");

  service::Grant grant;
  grant.fingerprints = {{"model", "aa"}};
  const v1::CoordinatorMessage wire = ToWire(grant, "b");
  ASSERT_EQ(wire.grant().fingerprints_size(), 1);
  EXPECT_EQ(wire.grant().fingerprints(0).name() + wire.grant().fingerprints(0).value(), "modelaa");

  v1::Slot slot;
  int next = 0;
  Fill(slot, next);
  EXPECT_EQ(FromWire(slot).quarantine, "quarantine");
  EXPECT_EQ(FromWire(slot).threads, slot.threads());
}

}  // namespace
}  // namespace lorikeet::rpc
