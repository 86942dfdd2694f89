#include "sweeps/plot/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json.h"

namespace lorikeet::plot {
namespace {

using ::testing::ElementsAre;

TEST(TextTest, CleanTextDrivesNothing) {
  EXPECT_EQ(Clean("lora rank=8"), "lora rank=8");
  EXPECT_EQ(Clean("a\x1b[2Jb\nc\x7f"), "a [2Jb c ");
  EXPECT_EQ(Clean("a\u202Eb\u009Bc\u2028d\uFEFFe"), "a b c d e");  // right-to-left, CSI, line separator, BOM
  EXPECT_EQ(Clean("é\xff\xc3z\xe2\x82"), "é\uFFFD\uFFFDz\uFFFD\uFFFD");
  EXPECT_EQ(Clean(std::string("a\0b", 3)), "a b");
  EXPECT_EQ(Clean("ab\uFFFFc"), "ab c");  // no character of XML's
}

TEST(TextTest, LongTextEndsInAnEllipsis) {
  EXPECT_EQ(Clean("abcdef", 6), "abcdef");
  EXPECT_EQ(Clean("abcdefg", 6), "abcde…");
  EXPECT_EQ(Clean("ééééééé", 6), "ééééé…");
  EXPECT_TRUE(IsUtf8(Clean(std::string(1000, '\xe2'), 10)));
  EXPECT_THAT(Characters("aé…😀"), ElementsAre("a", "é", "…", "😀"));
}

TEST(TextTest, EscapesMarkup) { EXPECT_EQ(Escaped("<a b=\"c\">'&"), "&lt;a b=&quot;c&quot;&gt;&apos;&amp;"); }

TEST(TextTest, MetricsAsPapersWriteThem) {
  EXPECT_EQ(MetricLabel("rouge1"), "ROUGE-1");
  EXPECT_EQ(MetricLabel("rougeLsum"), "ROUGE-Lsum");
  EXPECT_EQ(MetricLabel("validation_rouge1"), "validation ROUGE-1");
  EXPECT_EQ(MetricLabel("train_loss"), "train loss");
}

TEST(TextTest, NumbersAndQuantities) {
  EXPECT_EQ(NumberText(0), "0");
  EXPECT_EQ(NumberText(0.25), "0.25");
  EXPECT_EQ(NumberText(1200), "1200");
  EXPECT_EQ(NumberText(12'000), "12k");
  EXPECT_EQ(NumberText(76'961'152, 3), "77M");
  EXPECT_EQ(NumberText(3e9, 3), "3B");
  EXPECT_EQ(NumberText(1e-6), "1e-06");
  EXPECT_EQ(QuantityText(1536, "B"), "1.5 KiB");
  EXPECT_EQ(QuantityText(90, "s"), "1.5 min");
  EXPECT_EQ(QuantityText(0.25, "s"), "250 ms");
  EXPECT_EQ(QuantityText(5400, "s"), "1.5 h");
}

}  // namespace
}  // namespace lorikeet::plot
