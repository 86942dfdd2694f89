#include "coordinator/service/foreign.h"

#include "tests/coordinator/service/fixture.h"

namespace lorikeet::service {
namespace {

using ::testing::HasSubstr;

class ForeignTest : public ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    Submit(MakeSweep("demo", 1, 2));
  }
  static core::ForeignRow Row() {
    core::ForeignRow row;
    row.sweep_id = "demo";
    row.name = "LoRA, Large";
    row.source = "the study, table 1";
    row.rouge1 = {.mean = 43.52, .sd = 0.18};
    row.trainable_percent = 0.6;
    return row;
  }
  std::string Rows() { return One("SELECT count(*) FROM foreign_rows"); }
};

TEST_F(ForeignTest, IsKeptWithItsSourceAndNothingMore) {
  const auto imported = service_->ImportRow(Row());
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->sweep, "demo");
  EXPECT_EQ(One("SELECT name || '|' || source || '|' || rouge1_mean || '|' || rouge1_sd || '|' ||"
                " coalesce(rouge2_mean, 'none') || '|' || coalesce(seeds, 'unknown') FROM foreign_rows"),
            "LoRA, Large|the study, table 1|43.52|0.18|none|unknown");
  EXPECT_EQ(One("SELECT message FROM events WHERE kind = 'imported'"),
            "row 'LoRA, Large' from the study, table 1");
  EXPECT_EQ(One("SELECT count(*) FROM configurations"), "2");
  EXPECT_EQ(One("SELECT family FROM sweeps"), "1");
}

TEST_F(ForeignTest, TheSameNameIsReplacedAndARemovedOneIsGone) {
  core::ForeignRow row = Row();
  ASSERT_TRUE(service_->ImportRow(row).ok());
  row.rouge1.mean = 44;
  ASSERT_TRUE(service_->ImportRow(row).ok());
  EXPECT_EQ(One("SELECT rouge1_mean FROM foreign_rows"), "44.0");
  Restart();
  EXPECT_EQ(Rows(), "1");
  ASSERT_TRUE(service_->RemoveRow("demo", row.name).ok());
  EXPECT_EQ(Rows(), "0");
  const auto again = service_->RemoveRow("demo", row.name);
  EXPECT_TRUE(absl::IsNotFound(again.status())) << again.status();
  EXPECT_EQ(One("SELECT count(*) FROM events WHERE kind = 'imported'"), "3") << "what failed left nothing";
}

TEST_F(ForeignTest, WhatCannotBeIsRefused) {
  const auto refused = [&](const std::function<void(core::ForeignRow&)>& spoil) {
    core::ForeignRow row = Row();
    spoil(row);
    const auto imported = service_->ImportRow(row);
    EXPECT_FALSE(imported.ok());
    return Message(imported.status());
  };
  EXPECT_THAT(refused([](auto& row) { row.rouge1.mean = 101; }), HasSubstr("rouge1: 101; in percent"));
  EXPECT_THAT(refused([](auto& row) { row.rouge1.mean = NAN; }), HasSubstr("rouge1: nan"));
  EXPECT_THAT(refused([](auto& row) { row.rouge2.sd = 1; }),
              HasSubstr("rouge2: a deviation without its mean"));
  EXPECT_THAT(refused([](auto& row) { row.rouge1 = {}; }), HasSubstr("at least one of rouge1"));
  EXPECT_THAT(refused([](auto& row) { row.source.clear(); }), HasSubstr("say where it is from"));
  EXPECT_THAT(refused([](auto& row) { row.name = "full"; }), HasSubstr("a configuration 'full' of its own"));
  EXPECT_THAT(refused([](auto& row) { row.seeds = 0; }), HasSubstr("seeds: 0"));
  EXPECT_THAT(refused([](auto& row) { row.sweep_id = "dmo"; }), HasSubstr("did you mean 'demo'?"));
  EXPECT_EQ(Rows(), "0");
}

}  // namespace
}  // namespace lorikeet::service
