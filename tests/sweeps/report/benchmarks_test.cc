// What a table, an export and a Pareto front have of `sweepctl bench`.
#include "sweeps/report/benchmarks.h"

#include <algorithm>

#include "sweeps/report/series.h"
#include "tests/sweeps/report/extract_fixture.h"

namespace lorikeet::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

core::Benchmark Measured(const std::string& configuration, const std::string& variant, double latency,
                         double speed) {
  return {.configuration = configuration,
          .variant = variant,
          .trial_id = configuration.empty() ? "" : "lora-1",
          .latency_p50_seconds = latency,
          .latency_p95_seconds = 2 * latency,
          .batch = 16,
          .tokens_per_second = speed,
          .tokens_per_summary = 61.4,
          .extra_tokens = 0};
}

class BenchmarksReportTest : public ExtractTest {
 protected:
  void Measure() {
    const Status put = Write([&](store::Transaction& t) {
      return t.scores()
          .PutBenchmarks(
              {.sweep_id = "s-1",
               .hostname = "gpu-7",
               .device = "cpu",
               .device_model = "EPYC",
               .precision = "fp32",
               .build = "0.1.0",
               .threads = 2,
               .beams = 4,
               .documents = 32,
               .rows = {Measured("", "base", 0.100, 900), Measured("lora rank=8", "merged", 0.110, 800),
                        Measured("lora rank=8", "unmerged", 0.1204, 700)}},
              store::At(6))
          .status();
    });
    ASSERT_TRUE(put.ok()) << put;
  }
  std::optional<double> CostOf(const std::string& cost, const std::string& configuration) {
    const auto series = Series::Open(folder_.database());
    EXPECT_TRUE(series.ok()) << series.status();
    const auto pareto = (*series)->ReadPareto("demo", "", cost);
    EXPECT_TRUE(pareto.ok()) << pareto.status();
    for (const ParetoPoint& point : pareto->panels.at(0).points) {
      if (point.configuration == configuration) return point.cost;
    }
    ADD_FAILURE() << "no " << configuration;
    return std::nullopt;
  }
};

TEST_F(BenchmarksReportTest, StandUnderTheTableWhereThereAreAny) {
  EXPECT_THAT(Render(ReadDemo(), Format::kText), Not(HasSubstr("one summary")));
  Measure();
  const Table table = ReadDemo();
  ASSERT_EQ(table.benchmarks.rows.size(), 3u);
  const std::string text = Render(table, Format::kText);
  EXPECT_THAT(
      text,
      HasSubstr(
          "base model     –                  100 ms  200 ms           61             –     16        900\n"
          "lora rank=8    unmerged           120 ms  241 ms           61             –     16        700\n"
          "lora rank=8    merged             110 ms  220 ms           61             –     16        800\n"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "measured on EPYC (gpu-7, 2 threads) with no trial beside, fp32, beams 4, 32 documents, 2026-"));
  for (const Format format : {Format::kMarkdown, Format::kLatex}) {
    EXPECT_THAT(Render(table, format), HasSubstr("one summary p50"));
  }
  const auto json = nlohmann::json::parse(Render(table, Format::kJson));
  ASSERT_EQ(json["benchmarks"].size(), 3u);
  EXPECT_TRUE(json["benchmarks"][0]["configuration"].is_null());
  EXPECT_EQ(json["benchmarks"][1]["variant"], "unmerged");
  EXPECT_EQ(json["benchmarks"][1]["latency_p50_seconds"], 0.1204);
  EXPECT_EQ(json["benchmarks"][2]["hostname"], "gpu-7");
}

TEST_F(BenchmarksReportTest, AreCostsOfAParetoFront) {
  const auto names = [&] {
    const auto pareto = (*Series::Open(folder_.database()))->ReadPareto("demo", "", "");
    EXPECT_TRUE(pareto.ok()) << pareto.status();
    std::vector<std::string> found;
    for (const ParetoPanel& panel : pareto->panels) {
      if (std::string(panel.cost.name).find("bench_") == 0 ||
          std::string(panel.cost.name).find("merged_") == 0)
        found.emplace_back(panel.cost.name);
    }
    return found;
  };
  EXPECT_THAT(names(), ElementsAre()) << "nothing was measured";
  EXPECT_EQ(CostOf("merged_tokens_per_second", "lora rank=8"), std::nullopt);
  Measure();
  EXPECT_THAT(names(), ElementsAre("bench_latency_p50_seconds", "bench_tokens_per_second",
                                   "merged_latency_p50_seconds", "merged_tokens_per_second"));
  EXPECT_EQ(CostOf("bench_latency_p50_seconds", "lora rank=8"), 0.1204);
  EXPECT_EQ(CostOf("merged_latency_p50_seconds", "lora rank=8"), 0.110);
  EXPECT_EQ(CostOf("bench_tokens_per_second", "lora rank=8"), 700);
  EXPECT_EQ(CostOf("merged_tokens_per_second", "lora rank=8"), 800);
  EXPECT_EQ(CostOf("merged_tokens_per_second", "full"), 900) << "the base model's";
  EXPECT_EQ(CostOf("merged_latency_p50_seconds", "full"), std::nullopt) << "its summaries have other lengths";
  EXPECT_EQ(CostOf("bench_tokens_per_second", "lead"), std::nullopt);
}

TEST_F(BenchmarksReportTest, AreExported) {
  Measure();
  const auto csv = [&](const std::string& table) {
    ExtractRequest request = Ask("csv", "demo");
    request.table = table;
    const StatusOr<std::string> all = All(request);
    EXPECT_TRUE(all.ok()) << all.status();
    return all.value_or("");
  };
  EXPECT_THAT(csv("benchmark_table"), HasSubstr("sweep,arm,configuration,variant,trial,latency_p50_seconds"));
  EXPECT_THAT(csv("benchmark_table"), HasSubstr("demo,lora,lora rank=8,merged,"));
  EXPECT_THAT(csv("score_table"), HasSubstr("sweep,configuration,metric"));
}

}  // namespace
}  // namespace lorikeet::report
