#include "worker/protocol/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace lorikeet::protocol {
namespace {

using ::testing::HasSubstr;
using Limits = std::numeric_limits<std::int64_t>;

SplitScore Score(double x) {
  return {.rouge = {.rouge1 = x, .rouge2 = x / 2, .rougeL = x / 3, .rougeLsum = x / 7},
          .documents = 40,
          .sources_cut = 0.5,
          .targets_cut = 0.25,
          .outputs_cut = 0.125};
}

Result FullResult() {
  Result result;
  result.test = Score(0.4);
  result.validation = Score(0.1 + 0.2);
  result.validation_loss = 2.5;
  result.test_loss = 1.0 / 3;
  result.kept_step = 1;
  result.last_step = 2;
  result.train_documents = 3;
  result.empty_documents = 4;
  result.trainable_parameters = 5;
  result.trainable_share = 0.006;
  result.device = "cuda:0";
  result.device_model = "H100";
  result.threads = 6;
  result.micro_batch_size = 7;
  result.precision = "bf16";
  result.train_seconds = 8.25;
  result.tokens_per_second = 9e9;
  result.peak_memory_bytes = 10;
  result.latency_p50_seconds = 5e-324;
  result.latency_p95_seconds = std::numeric_limits<double>::max();
  result.generated_tokens_per_second = 11;
  result.adapter_bytes = Limits::max();
  result.data_fingerprint = "aa";
  result.model_fingerprint = "bb";
  result.predictions = 12;
  return result;
}

// One of each kind, every field set.
std::vector<Event> Samples() {
  return {
      Started{.device = "cpu",
              .device_model = "AMD \"EPYC\"",
              .threads = 1,
              .micro_batch_size = 2,
              .from_step = 3,
              .total_steps = 4,
              .build = "0.1.0 (abc)"},
      Progress{.phase = "training",
               .step = 1,
               .total = 2,
               .loss = 0.5,
               .tokens_per_second = 3.5,
               .eta_seconds = 4.5},
      Metric{.step = 7, .name = "train_loss", .value = 0.1},
      Log{.level = "warning", .message = "line one\nline two\t\x01 é ☃ \xf0\x9f\xa6\x9c"},
      CheckpointSaved{.step = 5},
      OutOfMemory{.phase = "training", .step = 4, .micro_batch_size = 8, .parts = 2, .message = "1 GiB"},
      Document{.split = "test", .id = "d1", .article = "a", .reference = "r", .position = 3},
      Prediction{.split = "validation",
                 .id = "d2",
                 .summary = "s",
                 .position = 4,
                 .tokens = 5,
                 .rouge = {.rouge1 = 0.1, .rouge2 = 0.2, .rougeL = 0.3, .rougeLsum = 0.4}},
      FullResult(),
      Stopped{.step = 6, .checkpointed = true},
      Failed{.kind = "oom", .message = "no memory"},
  };
}

std::string Refusal(const std::string& line) {
  const auto read = EventFromLine(line);
  EXPECT_TRUE(absl::IsInvalidArgument(read.status())) << line.substr(0, 200);
  return Message(read.status());
}

TEST(EventsTest, EveryKindRoundTrips) {
  for (const Event& event : Samples()) {
    const std::string line = ToLine({.attempt = "a-1", .event = event});
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const auto read = EventFromLine(line);
    ASSERT_TRUE(read.ok()) << read.status() << "\n" << line;
    EXPECT_EQ(read->attempt, "a-1");
    EXPECT_EQ(read->event.index(), event.index());
    EXPECT_EQ(ToLine(*read), line);
  }
}

TEST(EventsTest, FieldsComeBackUnchanged) {
  const auto read = EventFromLine(ToLine({.attempt = "", .event = FullResult()}));
  ASSERT_TRUE(read.ok()) << read.status();
  const auto& result = std::get<Result>(read->event);
  EXPECT_EQ(result.validation.rouge.rouge1, 0.1 + 0.2);
  EXPECT_EQ(result.validation.rouge.rougeLsum, (0.1 + 0.2) / 7);
  EXPECT_EQ(result.test.outputs_cut, 0.125);
  EXPECT_EQ(result.test_loss, 1.0 / 3);
  EXPECT_EQ(result.latency_p50_seconds, 5e-324);
  EXPECT_EQ(result.latency_p95_seconds, std::numeric_limits<double>::max());
  EXPECT_EQ(result.adapter_bytes, Limits::max());
  EXPECT_EQ(result.predictions, 12);
  const auto log = EventFromLine(ToLine({.attempt = "", .event = Samples()[3]}));
  EXPECT_EQ(std::get<Log>(log->event).message, std::get<Log>(Samples()[3]).message);
}

TEST(EventsTest, TheKindsAreCalledSo) {
  std::string names;
  for (const Event& event : Samples()) {
    names += nlohmann::json::parse(ToLine({.attempt = "", .event = event}))["event"].get<std::string>() + " ";
  }
  EXPECT_EQ(names,
            "started progress metric log checkpoint_saved out_of_memory document prediction result stopped "
            "failed ");
  EXPECT_EQ(ToLine({.attempt = "a-1", .event = Metric{.step = 2, .name = "loss", .value = 0.5}}),
            R"({"attempt":"a-1","event":"metric","step":2,"name":"loss","value":0.5})");
}

TEST(EventsTest, WhatIsNotFiniteTravelsAsText) {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto through = [](double value) {
    const auto read =
        EventFromLine(ToLine({.attempt = "", .event = Metric{.step = 1, .name = "x", .value = value}}));
    return read.ok() ? std::get<Metric>(read->event).value : -1;
  };
  EXPECT_TRUE(std::isnan(through(std::nan(""))));
  EXPECT_EQ(through(infinity), infinity);
  EXPECT_EQ(through(-infinity), -infinity);
  EXPECT_TRUE(std::signbit(through(-0.0)));
  EXPECT_THAT(ToLine({.attempt = "", .event = Metric{.step = 1, .name = "x", .value = std::nan("")}}),
              HasSubstr(R"("value":"nan")"));
  Progress progress;
  progress.phase = "training";
  progress.loss = infinity;
  auto read = EventFromLine(ToLine({.attempt = "", .event = progress}));
  EXPECT_EQ(std::get<Progress>(read->event).loss, infinity);
  progress.loss.reset();
  EXPECT_THAT(ToLine({.attempt = "", .event = progress}), HasSubstr(R"("loss":null)"));
  read = EventFromLine(ToLine({.attempt = "", .event = progress}));
  EXPECT_EQ(std::get<Progress>(read->event).loss, std::nullopt);
}

TEST(EventsTest, WholeNumbersKeepAll64Bits) {
  for (const std::int64_t step :
       {Limits::min(), std::int64_t{-1}, (std::int64_t{1} << 53) + 1, Limits::max()}) {
    const auto read = EventFromLine(ToLine({.attempt = "", .event = CheckpointSaved{.step = step}}));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(std::get<CheckpointSaved>(read->event).step, step);
  }
  const std::string begin = R"({"attempt":"","event":"checkpoint_saved","step":)";
  EXPECT_EQ(Refusal(begin + "9223372036854775808}"),
            "step: is a whole number, must be a whole number of 64 bits");
  EXPECT_EQ(Refusal(begin + "99999999999999999999}"), "step: is a number, must be a whole number");
  EXPECT_EQ(Refusal(begin + "1.0}"), "step: is a number, must be a whole number");
  EXPECT_THAT(Refusal(begin + "1e999}"), HasSubstr("number overflow"));
}

TEST(EventsTest, BytesThatAreNoUtf8AreReplacedInWritingAndRefusedInReading) {
  const std::string line = ToLine({.attempt = "",
                                   .event = Log{.level = "info",
                                                .message = "a\xff"
                                                           "b"}});
  const auto read = EventFromLine(line);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(std::get<Log>(read->event).message,
            "a\xef\xbf\xbd"
            "b");
  EXPECT_THAT(Refusal("{\"attempt\":\"\",\"event\":\"log\",\"level\":\"info\",\"message\":\"\xff\"}"),
              HasSubstr("UTF-8"));
}

TEST(EventsTest, EveryKeyIsNeededAndNoOther) {
  for (const Event& event : Samples()) {
    const std::string line = ToLine({.attempt = "a-1", .event = event});
    const auto whole = nlohmann::json::parse(line);
    for (const auto& [key, value] : whole.items()) {
      nlohmann::json spoilt = whole;
      spoilt.erase(key);
      EXPECT_THAT(Refusal(spoilt.dump()), HasSubstr(key + ": missing"));
      spoilt = whole;
      spoilt[key] = nlohmann::json::array();
      EXPECT_THAT(Refusal(spoilt.dump()), HasSubstr(key + ": is a list, must be"));
      if (value.is_object()) {
        spoilt = whole;
        spoilt[key]["more"] = 1;
        EXPECT_EQ(Refusal(spoilt.dump()), key + ".more: unknown key");
      }
    }
    nlohmann::json spoilt = whole;
    spoilt["more"] = 1;
    EXPECT_EQ(Refusal(spoilt.dump()), "more: unknown key");
  }
}

TEST(EventsTest, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(
      Refusal(R"({"attempt":"","event":"exploded"})"),
      "event: 'exploded' is not one of started, progress, metric, log, checkpoint_saved, out_of_memory, "
      "document, prediction, result, stopped, failed");
  EXPECT_EQ(Refusal(R"({"attempt":"","event":"log","level":"debug","message":""})"),
            "level: 'debug' is not one of info, warning, error");
  // Cut between two characters.
  EXPECT_THAT(
      Refusal(R"({"attempt":"","event":"log","level":"xéééééééééééééééééééééééééééééééééééé","message":""})"),
      HasSubstr("level: 'xééééééééééééééééééééééééééééé' is not one of"));
  EXPECT_THAT(Refusal(R"({"attempt":"","event":"failed","kind":"tired","message":""})"),
              HasSubstr("kind: 'tired'"));
  EXPECT_THAT(Refusal(R"({"attempt":"","event":"metric","step":1,"name":"x","value":"NaN"})"),
              HasSubstr("value: is a string"));
  EXPECT_THAT(Refusal(R"({"attempt":"","attempt":"","event":"log"})"), HasSubstr("'attempt' stands twice"));
  EXPECT_EQ(Refusal("[1]"), "must be an object, is a list");
  EXPECT_THAT(Refusal(""), HasSubstr("broken JSON"));
  EXPECT_THAT(Refusal("Segmentation fault"), HasSubstr("broken JSON"));
  EXPECT_EQ(Refusal("{}\n{}"), "more than one line");
}

TEST(EventsTest, LinesOver16MiBAreRefused) {
  EventLine line{.attempt = "", .event = Log{.level = "info", .message = ""}};
  const std::size_t room = kLongestLine - ToLine(line).size();
  std::get<Log>(line.event).message = std::string(room, 'x');
  EXPECT_TRUE(EventFromLine(ToLine(line)).ok());
  std::get<Log>(line.event).message += 'x';
  EXPECT_EQ(Refusal(ToLine(line)), "a line of 16777217 bytes: at most 16777216");
}

}  // namespace
}  // namespace lorikeet::protocol
