#include "sweeps/plot/scale.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lorikeet::plot {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Texts(const Axis& axis) {
  std::vector<std::string> texts;
  for (const Tick& tick : axis.ticks) texts.push_back(tick.text);
  return texts;
}

TEST(ScaleTest, LinearTicksAreRound) {
  EXPECT_THAT(Texts(LinearAxis("", 36.6, 41.2)), ElementsAre("37", "38", "39", "40", "41"));
  EXPECT_THAT(Texts(LinearAxis("", 0, 260)), ElementsAre("0", "50", "100", "150", "200", "250"));
  EXPECT_THAT(Texts(LinearAxis("", -0.3, 0.3)), ElementsAre("\u22120.2", "0.0", "0.2"));
  const Axis axis = LinearAxis("", 10, 20);
  EXPECT_NEAR(Place(axis, axis.low), 0, 1e-12);
  EXPECT_NEAR(Place(axis, 15), 0.5, 1e-12);
  EXPECT_NEAR(Place(axis, axis.high), 1, 1e-12);
}

TEST(ScaleTest, OneValueHasAnAxisToo) {
  for (const double value : {0.0, 41.5, -3.0, 1e300, 1e-300, 1e15}) {
    const Axis axis = LinearAxis("", value, value);
    EXPECT_LT(axis.low, axis.high) << value;
    EXPECT_GT(Place(axis, value), 0.1) << value;
    EXPECT_LT(Place(axis, value), 0.9) << value;
    EXPECT_FALSE(axis.ticks.empty()) << value;
    EXPECT_LT(axis.ticks.size(), 20u) << value;
  }
}

TEST(ScaleTest, RanksLieByDoubling) {
  const Axis axis = ValuesAxis(
      "rank", {{.value = 32, .text = "32"}, {.value = 1, .text = "1"}, {.value = 8, .text = "8"}}, true);
  EXPECT_EQ(axis.scale, ScaleKind::kLog2);
  EXPECT_THAT(Texts(axis), ElementsAre("1", "8", "32"));
  // As far from 1 to 8 as from 4 to 32.
  EXPECT_NEAR(Place(axis, 8) - Place(axis, 1), Place(axis, 32) - Place(axis, 4), 1e-12);
  EXPECT_GT(Place(axis, 1), 0);
  EXPECT_LT(Place(axis, 32), 1);
}

TEST(ScaleTest, ManyValuesHaveRoundTicks) {
  std::vector<Tick> values;
  for (int rank = 1; rank <= 64; ++rank) values.push_back({.value = static_cast<double>(rank), .text = "x"});
  EXPECT_THAT(Texts(ValuesAxis("", values, true)), ElementsAre("1", "2", "4", "8", "16", "32", "64"));
  EXPECT_THAT(Texts(ValuesAxis("", values, false)), ElementsAre("1", "2", "5", "10", "20", "50"));
  values.erase(values.begin(), values.begin() + 40);
  EXPECT_THAT(Texts(ValuesAxis("", values, true)), ElementsAre("40", "45", "50", "55", "60", "65"));
}

TEST(ScaleTest, RatesLieByPowersOfTenAndCloseValuesEvenly) {
  EXPECT_EQ(ValuesAxis("", {{.value = 1e-4, .text = ""}, {.value = 1e-2, .text = ""}}, false).scale,
            ScaleKind::kLog10);
  EXPECT_EQ(ValuesAxis("", {{.value = 0.0, .text = ""}, {.value = 0.1, .text = ""}}, false).scale,
            ScaleKind::kLinear);
  EXPECT_EQ(ValuesAxis("", {{.value = 3, .text = ""}, {.value = 4, .text = ""}}, true).scale,
            ScaleKind::kLinear);
  const Axis one = ValuesAxis("", {{.value = 8, .text = "8"}}, true);
  EXPECT_NEAR(Place(one, 8), 0.5, 1e-12);
}

TEST(ScaleTest, CostsLieByPowersOfTenAndZeroHasAPlace) {
  const Axis axis = CostAxis("", "", 1000, 1e8, true);
  EXPECT_EQ(axis.ticks[0].text, "0");
  EXPECT_NEAR(Place(axis, 0), kZeroShare / 2, 1e-12);
  EXPECT_GT(Place(axis, 1000), kZeroShare);
  EXPECT_LT(Place(axis, 1e8), 1);
  EXPECT_NEAR(Place(axis, 1e5) - Place(axis, 1e4), Place(axis, 1e4) - Place(axis, 1e3), 1e-12);
  for (const auto& [low, high] :
       std::vector<std::pair<double, double>>{{1, 1}, {5, 6}, {1, 1e9}, {1e-150, 1e150}}) {
    for (const char* unit : {"", "B", "s"}) {
      const Axis some = CostAxis("", unit, low, high, false);
      EXPECT_GE(some.ticks.size(), 1u) << low << unit;
      EXPECT_LE(some.ticks.size(), 12u) << low << unit;
      EXPECT_GT(Place(some, low), 0) << low << unit;
    }
  }
}

TEST(ScaleTest, CategoriesLieEvenly) {
  const Axis axis = CategoriesAxis("", {"q", "q, v"});
  EXPECT_NEAR(Place(axis, 0), 0.25, 1e-12);
  EXPECT_NEAR(Place(axis, 1), 0.75, 1e-12);
}

}  // namespace
}  // namespace lorikeet::plot
