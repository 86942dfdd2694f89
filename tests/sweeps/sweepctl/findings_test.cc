#include "sweeps/sweepctl/findings.h"

#include <gtest/gtest.h>

namespace lorikeet::sweepctl {
namespace {

using Json = nlohmann::ordered_json;

Json Lengths(double share_cut, std::int64_t p50 = 100) {
  return {{"p50", p50},
          {"p95", 400},
          {"max", 900},
          {"limit", 384},
          {"mean_kept", 90.0},
          {"cut", 1},
          {"share_cut", share_cut}};
}

Json Data() {
  Json splits = Json::array();
  for (const char* name : {"train", "validation", "test"}) {
    splits.push_back({{"split", name},
                      {"documents", 10},
                      {"source_tokens", Lengths(0.2)},
                      {"target_tokens", Lengths(0.1, 50)},
                      {"share_unknown", 0.02},
                      {"repeated_texts", 0}});
  }
  return {{"splits", splits}, {"overlaps", Json::array()}, {"warnings", Json::array()}};
}

spec::Sweep SweepOf(Method method, double learning_rate, const std::string& prefix = "") {
  spec::Configuration configuration;
  configuration.name = "one";
  configuration.trial.method = method;
  configuration.trial.train.learning_rate = learning_rate;
  configuration.trial.data.source_prefix = prefix;
  configuration.trial.evaluate.max_new_tokens = 64;
  spec::Sweep sweep;
  sweep.configurations.push_back(configuration);
  return sweep;
}

std::vector<std::string> OfSettings(const spec::Sweep& sweep, const std::string& model) {
  Findings findings;
  AddSettingsFindings(sweep, model, findings);
  EXPECT_TRUE(findings.failures.empty());
  return findings.warnings;
}

std::vector<std::string> OfData(const Json& data) {
  Findings findings;
  AddDataFindings(SweepOf(Method::kLora, 0.001), data, findings);
  EXPECT_TRUE(findings.failures.empty());
  return findings.warnings;
}

TEST(FindingsTest, APromptThatWillHardlyMove) {
  ASSERT_EQ(OfSettings(SweepOf(Method::kPrompt, 1e-3), "t5").size(), 1U);
  EXPECT_NE(OfSettings(SweepOf(Method::kPrompt, 1e-3), "t5")[0].find("0.001 is low"), std::string::npos);
  EXPECT_TRUE(OfSettings(SweepOf(Method::kPrompt, 0.3), "t5").empty());
  EXPECT_TRUE(OfSettings(SweepOf(Method::kLora, 1e-3), "t5").empty());
}

TEST(FindingsTest, AFlanWithoutAPrefix) {
  EXPECT_EQ(OfSettings(SweepOf(Method::kLora, 1e-3), "Flan-T5-small").size(), 1U);
  EXPECT_TRUE(OfSettings(SweepOf(Method::kLora, 1e-3, "summarize: "), "Flan-T5-small").empty());
  EXPECT_TRUE(OfSettings(SweepOf(Method::kLora, 1e-3), "model").empty());
  EXPECT_TRUE(OfSettings(SweepOf(Method::kLead, 1e-3), "Flan-T5-small").empty());
}

TEST(FindingsTest, DataThatIsWell) { EXPECT_TRUE(OfData(Data()).empty()); }

TEST(FindingsTest, MuchThatIsCut) {
  Json data = Data();
  data["splits"][1]["source_tokens"] = Lengths(0.63);
  data["splits"][2]["source_tokens"] = Lengths(1, 7);
  data["splits"][0]["target_tokens"] = Lengths(0.5, 50);
  data["splits"][2]["target_tokens"] = Lengths(0.5, 50);  // references are scored whole
  EXPECT_EQ(
      OfData(data),
      (std::vector<std::string>{
          "sources longer than max_source_tokens (384) lose their ends: 63 % of validation, 100 % of test; "
          "half "
          "of validation have 100 tokens or more, and one in twenty 400",
          "targets longer than max_target_tokens (384) lose their ends: 50 % of train; half of train have 50 "
          "tokens or more, and one in twenty 400"}));
}

TEST(FindingsTest, SummariesThatCannotBeAsLong) {
  Json data = Data();
  data["splits"][2]["target_tokens"] = Lengths(0, 65);
  ASSERT_EQ(OfData(data).size(), 1U);
  data["splits"][2]["target_tokens"] = Lengths(0, 64);
  EXPECT_TRUE(OfData(data).empty());
}

TEST(FindingsTest, WhatTheTokenizerDoesNotKnow) {
  Json data = Data();
  data["splits"][1]["share_unknown"] = 0.061;
  const auto warnings = OfData(data);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(
      warnings[0],
      "validation: the model's tokenizer does not know 6 % of the tokens, and can neither read nor write "
      "them: is it of the data's language?");
}

TEST(FindingsTest, WhatComesTwice) {
  Json data = Data();
  data["splits"][0]["repeated_texts"] = 1;
  data["overlaps"] = Json::array();
  data["overlaps"].push_back({{"splits", {"train", "test"}}, {"same_id", 1}, {"same_text", 2}});
  data["overlaps"][0]["examples"] = Json::array({Json::array({"a", "b"}), Json::array({"c", "c"})});
  const auto warnings = OfData(data);
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_EQ(warnings[0], "train: 1 article came before in the same split under another id");
  EXPECT_EQ(warnings[1],
            "train and test share 2 articles and 1 id (a = b, c); scores on test are of what was trained on");
}

TEST(FindingsTest, MemoryThatIsNearlyAllTaken) {
  spec::Configuration configuration;
  configuration.name = "full";
  configuration.trial.resources.memory_bytes = 1000;
  const auto warnings = [&](std::int64_t peak, const Json& others = Json::array(),
                            const Json& failure = nullptr) {
    Findings findings;
    AddWorkFindings(configuration, {{"peak_memory_bytes", peak}, {"warnings", others}, {"failure", failure}},
                    findings);
    return findings.warnings.size();
  };
  EXPECT_EQ(warnings(900), 0U);
  EXPECT_EQ(warnings(901), 1U);
  EXPECT_EQ(warnings(901, Json::array({"halved"})), 2U);
  EXPECT_EQ(warnings(901, Json::array(), {{"kind", "oom"}}), 0U);  // the failure says it
}

}  // namespace
}  // namespace lorikeet::sweepctl
