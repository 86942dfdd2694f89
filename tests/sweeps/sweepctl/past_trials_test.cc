#include "sweeps/sweepctl/past_trials.h"

#include <gtest/gtest.h>

namespace lorikeet::sweepctl {
namespace {

using Json = nlohmann::ordered_json;

Json RunOf(double tokens_per_second, const Json& changes = Json::object()) {
  Json result = {{"tokens_per_second", tokens_per_second},
                 {"model_fingerprint", "abc"},
                 {"device", "cpu"},
                 {"device_model", "AMD"},
                 {"precision", "fp32"},
                 {"threads", 2}};
  result.update(changes);
  return {{"type", "run"}, {"arm", "lora"}, {"result", result}};
}

const TrialKind kKind{
    .method = "lora", .model_fingerprint = "abc", .device_model = "AMD", .precision = "fp32", .threads = 2};

TEST(PastTrialsTest, TheMedianOfWhatIsAlike) {
  PastTrials past;
  EXPECT_FALSE(past.Of(kKind));
  past.Add("one", RunOf(100));
  past.Add("two", RunOf(300));
  EXPECT_DOUBLE_EQ(past.Of(kKind)->tokens_per_second, 200);
  past.Add("two", RunOf(1000));
  const auto speed = past.Of(kKind);
  EXPECT_DOUBLE_EQ(speed->tokens_per_second, 300);
  EXPECT_EQ(speed->trials, 3);
  EXPECT_EQ(speed->sweeps, (std::set<std::string>{"one", "two"}));
}

TEST(PastTrialsTest, WhatIsOtherDoesNotCount) {
  PastTrials past;
  for (const Json& change : {Json{{"model_fingerprint", "other"}}, Json{{"device_model", "Intel"}},
                             Json{{"precision", "bf16"}}, Json{{"threads", 4}}}) {
    past.Add("one", RunOf(100, change));
  }
  Json full = RunOf(100);
  full["arm"] = "full";
  past.Add("one", full);
  EXPECT_FALSE(past.Of(kKind));
}

TEST(PastTrialsTest, ThreadsDoNotMatterOnAGpu) {
  PastTrials past;
  past.Add("one", RunOf(100, {{"device", "cuda:3"}, {"device_model", "H100"}, {"threads", 16}}));
  TrialKind kind = kKind;
  kind.device_model = "H100";
  kind.threads = 0;
  EXPECT_TRUE(past.Of(kind));
}

TEST(PastTrialsTest, WhatHasNoSpeedOrAnotherShapeIsPassedOver) {
  PastTrials past;
  past.Add("one", RunOf(0));
  past.Add("one", RunOf(100, {{"tokens_per_second", nullptr}}));
  past.Add("one", RunOf(100, {{"tokens_per_second", "fast"}}));
  past.Add("one", {{"type", "run"}, {"arm", "lora"}, {"result", nullptr}});
  past.Add("one", {{"type", "points"}});
  past.Add("one", Json::array());
  past.Add("one", nullptr);
  EXPECT_FALSE(past.Of(kKind));
  TrialKind nameless = kKind;
  nameless.model_fingerprint = "";
  past.Add("one", RunOf(100, {{"model_fingerprint", nullptr}}));
  EXPECT_FALSE(past.Of(nameless));  // nothing is like what says not what it is
}

}  // namespace
}  // namespace lorikeet::sweepctl
