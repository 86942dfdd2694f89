#include "coordinator/service/benchmarks.h"

#include <limits>

#include "tests/coordinator/service/fixture.h"

namespace lorikeet::service {
namespace {

using ::testing::HasSubstr;

class BenchmarksTest : public ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    Submit(MakeSweep("demo", 2, 1));
    configuration_ = One("SELECT name FROM configurations ORDER BY position DESC LIMIT 1");
    trial_ =
        One("SELECT t.id FROM trials AS t JOIN configurations AS c ON c.id = t.configuration_id"
            " ORDER BY c.position DESC LIMIT 1");
  }
  core::Benchmarks Measured() const {
    core::Benchmark base{.variant = "base",
                         .latency_p50_seconds = 0.1,
                         .latency_p95_seconds = 0.2,
                         .batch = 16,
                         .tokens_per_second = 900,
                         .tokens_per_summary = 60};
    core::Benchmark merged = base;
    merged.configuration = configuration_;
    merged.variant = "merged";
    merged.trial_id = trial_;
    return {.sweep_id = "demo",
            .hostname = "gpu-7",
            .device = "cpu",
            .device_model = "EPYC",
            .precision = "fp32",
            .build = "0.1.0",
            .threads = 2,
            .beams = 4,
            .documents = 32,
            .rows = {base, merged}};
  }
  std::string Kept() {
    return One(
        "SELECT group_concat(configuration || '|' || variant || '|' || coalesce(trial, 'none') || '|' ||"
        " latency_p50_seconds, ' ') FROM benchmark_table WHERE sweep = 'demo'");
  }
  std::string configuration_, trial_;
};

TEST_F(BenchmarksTest, AreKeptWithTheirTrial) {
  const auto taken = service_->PutBenchmarks(Measured());
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->sweep, "demo");
  EXPECT_EQ(taken->rows, 2);
  EXPECT_EQ(taken->replaced, 0);
  Restart();
  const std::string name = One("SELECT name FROM trials WHERE id = '" + trial_ + "'");
  EXPECT_EQ(Kept(), "base model|base|none|0.1 " + configuration_ + "|merged|" + name + "|0.1");
  EXPECT_EQ(One("SELECT message FROM events WHERE kind = 'benchmarked'"), "2 rows on EPYC (gpu-7)");
}

TEST_F(BenchmarksTest, WhatWasMeasuredAlikeStaysAndTheRestGoes) {
  ASSERT_TRUE(service_->PutBenchmarks(Measured()).ok());
  core::Benchmarks again = Measured();
  again.rows.pop_back();
  again.rows[0].latency_p50_seconds = 0.3;
  auto taken = service_->PutBenchmarks(again);
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->replaced, 0);
  EXPECT_THAT(Kept(), HasSubstr("base model|base|none|0.3 "));
  EXPECT_THAT(Kept(), HasSubstr("merged"));
  const std::vector<std::function<void(core::Benchmarks&)>> otherwise = {
      [](core::Benchmarks& m) { m.hostname = "gpu-8"; },    [](core::Benchmarks& m) { m.device = "cuda:0"; },
      [](core::Benchmarks& m) { m.device_model = "H100"; }, [](core::Benchmarks& m) { m.threads = 3; },
      [](core::Benchmarks& m) { m.precision = "bf16"; },    [](core::Benchmarks& m) { m.beams = 1; },
      [](core::Benchmarks& m) { m.documents = 8; },         [](core::Benchmarks& m) { m.build = "0.2.0"; }};
  for (const auto& change : otherwise) {
    ASSERT_TRUE(service_->PutBenchmarks(Measured()).ok());
    core::Benchmarks other = again;
    change(other);
    taken = service_->PutBenchmarks(other);
    ASSERT_TRUE(taken.ok()) << taken.status();
    EXPECT_EQ(taken->replaced, 2);
    EXPECT_EQ(Kept(), "base model|base|none|0.3");
  }
}

TEST_F(BenchmarksTest, WhatCannotBeIsRefusedAndNothingOfItIsKept) {
  const auto refused = [&](const std::function<void(core::Benchmarks&)>& spoil) {
    core::Benchmarks measured = Measured();
    spoil(measured);
    const auto taken = service_->PutBenchmarks(measured);
    EXPECT_FALSE(taken.ok());
    EXPECT_EQ(One("SELECT count(*) FROM benchmarks"), "0");
    return std::string(taken.status().message());
  };
  EXPECT_THAT(refused([](auto& m) { m.sweep_id = "dmeo"; }), HasSubstr("did you mean 'demo'"));
  EXPECT_THAT(refused([](auto& m) { m.rows.clear(); }), HasSubstr("without a row"));
  EXPECT_THAT(refused([](auto& m) { m.rows[1].configuration = "lora rank=99"; }),
              HasSubstr("of a configuration 'lora rank=99'"));
  EXPECT_THAT(refused([](auto& m) { m.rows[1].trial_id = "t-none"; }), HasSubstr("no trial 't-none'"));
  EXPECT_THAT(refused([](auto& m) { m.rows[1].variant = "quantized"; }), HasSubstr("unmerged or merged"));
  EXPECT_THAT(refused([](auto& m) { m.rows[1].variant = "base"; }), HasSubstr("unmerged or merged"));
  EXPECT_THAT(refused([](auto& m) { m.rows[0].variant = "merged"; }), HasSubstr("variant base"));
  EXPECT_THAT(refused([](auto& m) { m.rows[1] = m.rows[0]; }),
              HasSubstr("the base model: it is there twice"));
  EXPECT_THAT(refused([](auto& m) { m.rows[1].latency_p50_seconds = 0; }),
              HasSubstr("latency_p50_seconds: 0; more than 0"));
  EXPECT_THAT(
      refused([](auto& m) { m.rows[1].latency_p95_seconds = std::numeric_limits<double>::quiet_NaN(); }),
      HasSubstr("latency_p95_seconds"));
  EXPECT_THAT(refused([](auto& m) { m.rows[0].tokens_per_second = std::numeric_limits<double>::infinity(); }),
              HasSubstr("tokens_per_second"));
  EXPECT_THAT(refused([](auto& m) { m.rows[0].tokens_per_summary = -1; }), HasSubstr("tokens_per_summary"));
  EXPECT_THAT(refused([](auto& m) { m.rows[0].batch = 0; }), HasSubstr("batch: 0; at least 1"));
  EXPECT_THAT(refused([](auto& m) { m.rows[0].extra_tokens = -1; }), HasSubstr("extra_tokens"));
}

TEST_F(BenchmarksTest, AnotherSweepsTrialIsNotItsOwn) {
  Submit(MakeSweep("other", 1, 1));
  core::Benchmarks measured = Measured();
  measured.rows[1].trial_id =
      One("SELECT t.id FROM trials AS t JOIN configurations AS c ON"
          " c.id = t.configuration_id JOIN sweeps AS w ON w.id = c.sweep_id"
          " WHERE w.name = 'other' LIMIT 1");
  EXPECT_TRUE(absl::IsNotFound(service_->PutBenchmarks(measured).status()));
}

}  // namespace
}  // namespace lorikeet::service
