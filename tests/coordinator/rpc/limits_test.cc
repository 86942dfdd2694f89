// Every limit of limits.h, at it and one over, as a worker's dialogue and a client's calls see it.
#include "coordinator/rpc/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "coordinator/rpc/checks.h"
#include "coordinator/rpc/worker_dialogue.h"
#include "fake_service.h"

namespace lorikeet::rpc {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class NoConnection : public service::WorkerConnection {
 public:
  void Send(service::ToWorker) override {}
  void Close(const Status&) override {}
};

v1::Hello Hello() {
  v1::Hello hello;
  hello.set_protocol_version(1);
  hello.set_worker_id("w-1");
  hello.set_hostname("gpu-1");
  return hello;
}

// What the change makes of a Hello that is well.
Status After(const std::function<void(v1::Hello&)>& change) {
  v1::Hello hello = Hello();
  change(hello);
  return CheckLimits(hello);
}

std::string Bytes(std::size_t count) { return std::string(count, 'x'); }

TEST(HelloLimits, SaysWhichFieldHowMuchAndWhatIsAllowed) {
  EXPECT_TRUE(After([](v1::Hello&) {}).ok());
  const Status status = After([](v1::Hello& hello) { hello.set_hostname(Bytes(300)); });
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << "a worker would only say it again";
  EXPECT_EQ(Message(status), "hello.hostname: 300 bytes; at most 255");
  EXPECT_EQ(Message(After([](v1::Hello& hello) {
              for (int i = 0; i < 2000; ++i) hello.add_slots();
            })),
            "hello.slots: 2000 of them; at most 1024");
  EXPECT_EQ(Message(After([](v1::Hello& hello) {
              hello.add_slots();
              hello.add_slots()->set_memory_bytes(-1);
            })),
            "hello.slots[1].memory_bytes: -1; from 0 to 9007199254740992");
  EXPECT_EQ(Message(After([](v1::Hello& hello) { (*hello.mutable_labels())["gpu"] = "a b"; })),
            "hello.labels: 'a b'; each a word of letters, digits, '.', '_', '-' and '/', a letter or digit "
            "first, at "
            "most 63 characters");
  EXPECT_EQ(Message(After([](v1::Hello& hello) { (*hello.mutable_labels())["\x1b[2J"] = "x"; })),
            "hello.labels: control characters; it is one line of text");
  EXPECT_EQ(Message(After([](v1::Hello& hello) { hello.set_build("a\nb"); })),
            "hello.build: control characters; it is one line of text");
  EXPECT_EQ(Message(After([](v1::Hello& hello) { hello.set_hostname("\xff"); })),
            "hello.hostname: not UTF-8");
}

TEST(HelloLimits, HoldEveryField) {
  using Change = std::function<void(v1::Hello&)>;
  const std::string id = Bytes(kMostIdBytes), word = Bytes(kMostWordBytes);
  // At the limit, and over it.
  const std::pair<Change, Change> pairs[] = {
      {[&](auto& h) { h.set_worker_id(id); }, [&](auto& h) { h.set_worker_id(id + "x"); }},
      {[&](auto& h) { h.set_process(id); }, [&](auto& h) { h.set_process(id + "x"); }},
      {[](auto& h) { h.set_build(Bytes(kMostBuildBytes)); },
       [](auto& h) { h.set_build(Bytes(kMostBuildBytes + 1)); }},
      {[](auto& h) { h.set_start(kMostCount); }, [](auto& h) { h.set_start(kMostCount + 1); }},
      {[](auto& h) { h.set_connection(0); }, [](auto& h) { h.set_connection(-1); }},
      {[](auto&) {}, [](auto& h) { h.set_protocol_version(-1); }},
      {[&](auto& h) { h.add_slots()->set_device(word); },
       [&](auto& h) { h.add_slots()->set_device(word + "x"); }},
      {[&](auto& h) { h.add_slots()->set_device_model(word); },
       [&](auto& h) { h.add_slots()->set_device_model(word + "x"); }},
      {[&](auto& h) { h.add_slots()->set_kind(word); },
       [&](auto& h) { h.add_slots()->set_kind(word + "x"); }},
      {[](auto& h) { (*h.mutable_labels())["gpu"] = "a100"; },
       [](auto& h) { (*h.mutable_labels())["gpu"] = ""; }},
      {[](auto& h) { (*h.mutable_labels())[Bytes(63)] = "x"; },
       [](auto& h) { (*h.mutable_labels())[Bytes(64)] = "x"; }},
      {[](auto& h) {
         for (int i = 0; i < kMostLabels; ++i) (*h.mutable_labels())[std::to_string(i)] = "x";
       },
       [](auto& h) {
         for (int i = 0; i <= kMostLabels; ++i) (*h.mutable_labels())[std::to_string(i)] = "x";
       }},
      {[](auto& h) { h.add_slots()->set_index(kMostSlotIndex); },
       [](auto& h) { h.add_slots()->set_index(kMostSlotIndex + 1); }},
      {[](auto& h) { h.add_slots()->set_threads(1); }, [](auto& h) { h.add_slots()->set_threads(-1); }},
      {[&](auto& h) { h.add_held()->set_attempt_id(id); },
       [&](auto& h) { h.add_held()->set_attempt_id(id + "x"); }},
      {[](auto& h) { h.add_held()->set_token(0); }, [](auto& h) { h.add_held()->set_token(-1); }},
      {[](auto& h) { h.add_held()->set_spooled_sequence(0); },
       [](auto& h) { h.add_held()->set_spooled_sequence(-1); }},
      {[](auto& h) { h.add_held()->add_slots(0); }, [](auto& h) { h.add_held()->add_slots(-1); }},
      {[](auto& h) { h.add_held()->mutable_slots()->Resize(kMostSlots, 0); },
       [](auto& h) { h.add_held()->mutable_slots()->Resize(kMostSlots + 1, 0); }},
      {[](auto& h) {
         for (int i = 0; i < kMostHeld; ++i) h.add_held();
       },
       [](auto& h) {
         for (int i = 0; i <= kMostHeld; ++i) h.add_held();
       }},
      {[](auto& h) {
         for (int i = 0; i < kMostHeld; i += 1000) h.add_held()->mutable_slots()->Resize(1000, 0);
       },
       [](auto& h) {
         for (int i = 0; i <= kMostHeld; i += 1000) h.add_held()->mutable_slots()->Resize(1000, 0);
       }},
  };
  int number = 0;
  for (const auto& [at, over] : pairs) {
    EXPECT_TRUE(After(at).ok()) << number << ": " << After(at);
    EXPECT_TRUE(absl::IsFailedPrecondition(After(over))) << number;
    ++number;
  }
}

// A stream after its Hello, over a service that remembers.
class DialogueLimits : public ::testing::Test {
 protected:
  void SetUp() override {
    v1::WorkerMessage message;
    *message.mutable_hello() = Hello();
    ASSERT_TRUE((*dialogue_.Decode(message))(service_).ok());
  }
  Status Say(const v1::WorkerMessage& message) {
    const StatusOr<WorkerDialogue::Work> work = dialogue_.Decode(message);
    return work.ok() ? (*work)(service_) : work.status();
  }
  // Of one event that `fill` makes.
  Status SayEvent(const std::function<void(v1::Event&)>& fill) {
    v1::WorkerMessage message;
    message.mutable_events()->set_attempt_id("a-1");
    v1::Event& event = *message.mutable_events()->add_events();
    event.set_sequence(1);
    fill(event);
    return Say(message);
  }
  std::string last() const { return service_.calls().back(); }

  FakeService service_;
  WorkerDialogue dialogue_{std::make_shared<NoConnection>()};
};

TEST_F(DialogueLimits, ABatchOverALimitFailsItsAttemptAlone) {
  v1::WorkerMessage many;
  many.mutable_events()->set_attempt_id("a-1");
  for (int i = 0; i <= kMostEventsABatch; ++i) many.mutable_events()->add_events()->mutable_checkpoint();
  EXPECT_TRUE(Say(many).ok()) << "the stream goes on";
  EXPECT_EQ(last(), "unreadable a-1 events.events: 1025 of them; at most 1024");

  EXPECT_TRUE(
      SayEvent([](v1::Event& event) { event.mutable_document()->set_article(Bytes(kMostEventBytes)); }).ok());
  EXPECT_THAT(last(), HasSubstr("unreadable a-1 events[0]: 17825"));
  EXPECT_THAT(last(), HasSubstr("bytes; at most 17825792"));
  EXPECT_TRUE(service_.reports().empty());
}

TEST_F(DialogueLimits, EveryKindOfEventIsHeldToThem) {
  const std::string word = Bytes(kMostWordBytes + 1), text = Bytes(kMostTextBytes + 1);
  const std::string id = Bytes(kMostDocumentIdBytes + 1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::pair<const char*, std::function<void(v1::Event&)>> events[] = {
      {"sequence", [](auto& e) { e.set_sequence(-1), e.mutable_checkpoint(); }},
      {"device", [&](auto& e) { e.mutable_started()->set_device(word); }},
      {"device_model", [&](auto& e) { e.mutable_started()->set_device_model(word); }},
      {"build", [&](auto& e) { e.mutable_started()->set_build(word); }},
      {"threads", [](auto& e) { e.mutable_started()->set_threads(-1); }},
      {"micro_batch_size", [](auto& e) { e.mutable_started()->set_micro_batch_size(-1); }},
      {"from_step", [](auto& e) { e.mutable_started()->set_from_step(-1); }},
      {"total_steps", [](auto& e) { e.mutable_started()->set_total_steps(-1); }},
      {"data_fingerprint", [&](auto& e) { e.mutable_started()->set_data_fingerprint(word); }},
      {"model_fingerprint", [&](auto& e) { e.mutable_started()->set_model_fingerprint(word); }},
      {"files",
       [](auto& e) {
         for (int i = 0; i <= kMostFiles; ++i) e.mutable_fingerprints()->add_files();
       }},
      {"name", [&](auto& e) { e.mutable_fingerprints()->add_files()->set_name(Bytes(kMostPathBytes + 1)); }},
      {"value", [&](auto& e) { e.mutable_fingerprints()->add_files()->set_value(word); }},
      {"error",
       [](auto& e) { e.mutable_fingerprints()->add_files()->set_error(Bytes(kMostReasonBytes + 1)); }},
      {"step", [](auto& e) { e.mutable_metric()->set_step(-1); }},
      {"name", [&](auto& e) { e.mutable_metric()->set_name(word); }},
      {"name", [](auto& e) { e.mutable_metric()->set_name("\x1b[2J"); }},
      {"level", [&](auto& e) { e.mutable_log()->set_level(word); }},
      {"message", [&](auto& e) { e.mutable_log()->set_message(text); }},
      {"message", [](auto& e) { e.mutable_log()->set_message("\xc3("); }},
      {"step", [](auto& e) { e.mutable_checkpoint()->set_step(kMostCount + 1); }},
      {"phase", [&](auto& e) { e.mutable_out_of_memory()->set_phase(word); }},
      {"step", [](auto& e) { e.mutable_out_of_memory()->set_step(-1); }},
      {"micro_batch_size", [](auto& e) { e.mutable_out_of_memory()->set_micro_batch_size(-1); }},
      {"parts", [](auto& e) { e.mutable_out_of_memory()->set_parts(-1); }},
      {"message", [&](auto& e) { e.mutable_out_of_memory()->set_message(text); }},
      {"split", [&](auto& e) { e.mutable_document()->set_split(word); }},
      {"id", [&](auto& e) { e.mutable_document()->set_id(id); }},
      {"position", [](auto& e) { e.mutable_document()->set_position(-1); }},
      {"article", [](auto& e) { e.mutable_document()->set_article("\xff"); }},
      {"reference", [](auto& e) { e.mutable_document()->set_reference("\xff"); }},
      {"split", [&](auto& e) { e.mutable_prediction()->set_split(word); }},
      {"id", [&](auto& e) { e.mutable_prediction()->set_id(id); }},
      {"position", [](auto& e) { e.mutable_prediction()->set_position(-1); }},
      {"tokens", [](auto& e) { e.mutable_prediction()->set_tokens(-1); }},
      {"summary", [](auto& e) { e.mutable_prediction()->set_summary("\xff"); }},
      {"rouge1", [](auto& e) { e.mutable_prediction()->mutable_rouge()->set_rouge1(1.5); }},
      {"rougeL", [=](auto& e) { e.mutable_prediction()->mutable_rouge()->set_rougel(nan); }},
      {"documents", [](auto& e) { e.mutable_result()->mutable_test()->set_documents(-1); }},
      {"sources_cut", [](auto& e) { e.mutable_result()->mutable_test()->set_sources_cut(-0.5); }},
      {"rouge2", [](auto& e) { e.mutable_result()->mutable_validation()->mutable_rouge()->set_rouge2(40); }},
      {"trainable_share", [](auto& e) { e.mutable_result()->set_trainable_share(2); }},
      {"kept_step", [](auto& e) { e.mutable_result()->set_kept_step(-1); }},
      {"predictions", [](auto& e) { e.mutable_result()->set_predictions(-1); }},
      {"data_fingerprint", [&](auto& e) { e.mutable_result()->set_data_fingerprint(word); }},
      {"step", [](auto& e) { e.mutable_returned()->set_step(-1); }},
      {"reason", [&](auto& e) { e.mutable_returned()->set_reason(text); }},
      {"kind", [&](auto& e) { e.mutable_failed()->set_kind(word); }},
      {"message", [&](auto& e) { e.mutable_failed()->set_message(text); }},
  };
  for (const auto& [field, fill] : events) {
    EXPECT_TRUE(SayEvent(fill).ok()) << field;
    EXPECT_THAT(last(), StartsWith("unreadable a-1 events[0]." + std::string(field) + ": "));
  }
  EXPECT_TRUE(service_.reports().empty());
  // A run that diverged has losses that are no numbers, and what does not apply is not a number either.
  EXPECT_TRUE(SayEvent([=](v1::Event& event) {
                event.mutable_result()->set_test_loss(nan);
                event.mutable_result()->set_train_seconds(nan);
              }).ok());
  EXPECT_EQ(service_.reports().size(), 1U);
}

TEST_F(DialogueLimits, ProgressOverALimitFailsItsAttemptAlone) {
  v1::WorkerMessage message;
  message.mutable_progress()->set_attempt_id("a-1");
  message.mutable_progress()->set_phase(Bytes(kMostWordBytes + 1));
  EXPECT_TRUE(Say(message).ok());
  EXPECT_EQ(last(), "unreadable a-1 progress.phase: 257 bytes; at most 256");
  message.mutable_progress()->set_phase("training");
  message.mutable_progress()->set_step(-1);
  EXPECT_TRUE(Say(message).ok());
  EXPECT_THAT(last(), HasSubstr("progress.step: -1"));
}

TEST_F(DialogueLimits, SlotsThatChangeAreHeldToThoseOfHello) {
  v1::WorkerMessage why, many;
  why.mutable_slots_changed()->add_slots()->set_quarantine("in use");
  EXPECT_TRUE(Say(why).ok());
  EXPECT_THAT(last(), HasSubstr("slots 1 in use"));
  why.mutable_slots_changed()->mutable_slots(0)->set_quarantine(Bytes(kMostReasonBytes + 1));
  EXPECT_EQ(Say(why), InvalidArgument("slots_changed.slots[0].quarantine: 8193 bytes; at most 8192"));
  for (int i = 0; i <= kMostSlots; ++i) many.mutable_slots_changed()->add_slots();
  EXPECT_EQ(Say(many), InvalidArgument("slots_changed.slots: 1025 of them; at most 1024"));
}

TEST_F(DialogueLimits, WhatNamesNoAttemptEndsTheStream) {
  const std::string id = Bytes(kMostIdBytes + 1);
  v1::WorkerMessage events, progress, closed, renew, renew_many;
  events.mutable_events()->set_attempt_id(id);
  progress.mutable_progress()->set_attempt_id("a\n");
  closed.mutable_closed()->set_token(-1);
  renew.mutable_renew()->add_leases()->set_attempt_id(id);
  for (int i = 0; i <= kMostLeases; ++i) renew_many.mutable_renew()->add_leases();
  EXPECT_EQ(Say(events), InvalidArgument("events.attempt_id: 65 bytes; at most 64"));
  EXPECT_EQ(Say(progress),
            InvalidArgument("progress.attempt_id: control characters; it is one line of text"));
  EXPECT_EQ(Say(closed), InvalidArgument("closed.token: -1; from 0 to 9007199254740992"));
  EXPECT_EQ(Say(renew), InvalidArgument("renew.leases[0].attempt_id: 65 bytes; at most 64"));
  EXPECT_EQ(Say(renew_many), InvalidArgument("renew.leases: 10001 of them; at most 10000"));
  EXPECT_THAT(service_.calls(), ::testing::ElementsAre("hello w-1"));
}

TEST(ClientLimits, HoldEveryField) {
  v1::SubmitRequest request;
  request.set_file("/tmp/sweep.yaml");
  request.set_text("sweep: x");
  EXPECT_TRUE(CheckLimits(request).ok());
  const auto after = [&](const std::function<void(v1::SubmitRequest&)>& change) {
    v1::SubmitRequest changed = request;
    change(changed);
    return Message(CheckLimits(changed));
  };
  EXPECT_THAT(after([](auto& r) { r.set_file(Bytes(kMostPathBytes + 1)); }),
              HasSubstr("submit.file: 4097 bytes"));
  EXPECT_THAT(after([](auto& r) { r.set_text(Bytes(kMostSweepFileBytes + 1)); }),
              HasSubstr("at most 1048576"));
  EXPECT_THAT(after([](auto& r) { r.set_text("\xff"); }), HasSubstr("submit.text: not UTF-8"));
  EXPECT_THAT(after([](auto& r) { (*r.mutable_variables())[Bytes(kMostWordBytes + 1)] = ""; }),
              HasSubstr("submit.variables: 257 bytes"));
  EXPECT_THAT(after([](auto& r) { (*r.mutable_variables())["A"] = Bytes(kMostVariableBytes + 1); }),
              HasSubstr("submit.variables: 32769 bytes"));
  EXPECT_THAT(after([](auto& r) {
                for (int i = 0; i <= kMostVariables; ++i) (*r.mutable_variables())[std::to_string(i)] = "";
              }),
              HasSubstr("submit.variables: 1025 of them; at most 1024"));

  v1::ListEventsRequest events;
  EXPECT_TRUE(CheckLimits(events).ok());
  events.set_most(-1);
  EXPECT_EQ(CheckLimits(events), InvalidArgument("list_events.most: -1; from 0 to 9007199254740992"));
  v1::GetPlotRequest plot;
  EXPECT_TRUE(CheckLimits(plot).ok());
  plot.set_width(-1);
  EXPECT_EQ(CheckLimits(plot), InvalidArgument("plot.width: -1; from 0 to 10000"));
  plot.set_width(0);
  plot.set_height(10'001);
  EXPECT_EQ(CheckLimits(plot), InvalidArgument("plot.height: 10001; from 0 to 10000"));
  plot.set_height(0);
  plot.set_metric("rouge1\x1b[2J");
  EXPECT_THAT(Message(CheckLimits(plot)), HasSubstr("plot.metric: control characters"));
  v1::GetTableRequest table;
  for (int i = 0; i < kMostMetrics; ++i) table.add_metrics("rouge1");
  table.set_rows(Bytes(kMostNameBytes));
  EXPECT_TRUE(CheckLimits(table).ok());
  table.set_rows(Bytes(kMostNameBytes + 1));
  EXPECT_EQ(CheckLimits(table), InvalidArgument("table.rows: 8193 bytes; at most 8192"));
  table.set_rows("");
  table.add_metrics("rouge1");
  EXPECT_THAT(Message(CheckLimits(table)), HasSubstr("table.metrics: 17"));
  EXPECT_TRUE(CheckName("sweep", Bytes(kMostNameBytes)).ok());
  EXPECT_EQ(CheckName("sweep", Bytes(kMostNameBytes + 1)),
            InvalidArgument("request.sweep: 8193 bytes; at most 8192"));
}

// Our own checks see what was parsed; what is not UTF-8 does not even get there.
TEST(WireLimits, ProtobufRefusesWhatIsNotUtf8) {
  // WorkerMessage {hello {hostname: "\xff"}}
  EXPECT_FALSE(v1::WorkerMessage().ParseFromString(std::string("\x0a\x03\x22\x01\xff", 5)));
  EXPECT_TRUE(v1::WorkerMessage().ParseFromString(std::string("\x0a\x03\x22\x01x", 5)));
}

}  // namespace
}  // namespace lorikeet::rpc
