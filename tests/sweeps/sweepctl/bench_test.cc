#include "sweeps/sweepctl/bench.h"

#include <gtest/gtest.h>

namespace lorikeet::sweepctl {
namespace {

using Json = nlohmann::ordered_json;

Json RunOf(const std::string& arm, const std::string& configuration, std::int64_t seed) {
  return {{"type", "run"},
          {"id", configuration + std::to_string(seed)},
          {"name", configuration + " seed=" + std::to_string(seed)},
          {"arm", arm},
          {"configuration", configuration},
          {"seed", seed},
          {"adapter", 1},
          {"settings", Json::object()},
          {"result", Json::object()}};
}

std::vector<std::string> Names(const std::vector<BenchedTrial>& trials) {
  std::vector<std::string> names;
  for (const BenchedTrial& trial : trials) names.push_back(trial.name);
  return names;
}

TEST(BenchTest, OneTrialOfEachConfigurationThatKeptAnAdapter) {
  std::vector<Json> runs = {RunOf("full", "full", 1),          RunOf("lora", "lora rank=2", 1),
                            RunOf("lora", "lora rank=2", 2),   RunOf("lora", "lora rank=8", 1),
                            RunOf("lora", "lora rank=8", 2),   RunOf("prompt", "prompt", 1),
                            RunOf("zero_shot", "zero_shot", 0)};
  runs[3]["result"] = nullptr;  // failed
  runs[5]["adapter"] = 0;       // pruned
  EXPECT_EQ(Names(TrialsToBench(runs, {})),
            (std::vector<std::string>{"lora rank=2 seed=1", "lora rank=8 seed=2"}));
  EXPECT_EQ(Names(TrialsToBench(runs, {.sweep = "", .rows = "=8"})),
            (std::vector<std::string>{"lora rank=8 seed=2"}));
  EXPECT_EQ(Names(TrialsToBench(runs, {.sweep = "", .rows = "", .seed = 2})),
            (std::vector<std::string>{"lora rank=2 seed=2", "lora rank=8 seed=2"}));
  EXPECT_TRUE(TrialsToBench(runs, {.sweep = "", .rows = "", .seed = 7}).empty());
}

Json Report() {
  return {{"sweep", "one"},
          {"hostname", "gpu-7"},
          {"device", "cpu"},
          {"device_model", "AMD"},
          {"threads", 1},
          {"precision", "fp32"},
          {"beams", 4},
          {"documents", 8},
          {"build", "0.1.0"},
          {"rows",
           {{{"configuration", "base model"},
             {"variant", "base"},
             {"trial_id", nullptr},
             {"trainable_share", nullptr},
             {"latency_p50_seconds", 0.0123},
             {"latency_p95_seconds", 0.25},
             {"batch", 16},
             {"tokens_per_second", 812.4},
             {"tokens_per_summary", 33.25},
             {"extra_tokens", 0},
             {"adapter_bytes", nullptr}},
            {{"configuration", "lora | \"r\"=8\033[2J"},
             {"variant", "merged"},
             {"trial_id", "t-1"},
             {"trainable_share", 0.00617},
             {"latency_p50_seconds", 0.5},
             {"latency_p95_seconds", 1.5},
             {"batch", 16},
             {"tokens_per_second", 1000},
             {"tokens_per_summary", 40},
             {"extra_tokens", 0},
             {"adapter_bytes", 2048}}}}};
}

TEST(BenchTest, TheTableIsAlignedAndCannotDriveATerminal) {
  const std::string text = RenderBench(Report(), "text");
  EXPECT_EQ(text.find('\033'), std::string::npos);
  EXPECT_EQ(text.find("CONFIGURATION     "), 0U);
  EXPECT_NE(text.find("12.3 ms   250 ms"), std::string::npos) << text;
  EXPECT_NE(text.find("0.617 %"), std::string::npos);
  EXPECT_NE(text.find("2.0 KiB"), std::string::npos);
  EXPECT_NE(text.find("AMD, 1 thread, fp32, beams 4, 8 documents"), std::string::npos);
}

TEST(BenchTest, CellsOfMarkdownAndCsvKeepToThemselves) {
  const std::string markdown = RenderBench(Report(), "markdown");
  EXPECT_NE(markdown.find("| lora \\| \"r\"=8 \\[2J |"), std::string::npos) << markdown;
  const std::string csv = RenderBench(Report(), "csv");
  EXPECT_EQ(csv.find("sweep,hostname,device,device_model,threads,precision,beams,documents,build,"
                     "configuration,variant,"),
            0U);
  EXPECT_NE(csv.find("\"lora | \"\"r\"\"=8"), std::string::npos);
  EXPECT_EQ(Json::parse(RenderBench(Report(), "json")), Report());
}

TEST(BenchTest, TheCoordinatorGetsWhatTheTableShows) {
  const v1::PutBenchmarksRequest request = RequestOf(Report());
  EXPECT_EQ(request.sweep() + "|" + request.hostname() + "|" + request.device_model(), "one|gpu-7|AMD");
  EXPECT_EQ(request.threads(), 1);
  ASSERT_EQ(request.rows_size(), 2);
  EXPECT_EQ(
      request.rows(0).configuration() + "|" + request.rows(0).variant() + "|" + request.rows(0).trial_id(),
      "|base|");
  EXPECT_EQ(request.rows(0).latency_p95_seconds(), 0.25);
  EXPECT_EQ(request.rows(0).tokens_per_summary(), 33.25);
  EXPECT_EQ(request.rows(1).variant() + "|" + request.rows(1).trial_id(), "merged|t-1");
  EXPECT_EQ(request.rows(1).tokens_per_second(), 1000);
}

}  // namespace
}  // namespace lorikeet::sweepctl
