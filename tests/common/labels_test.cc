#include "common/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lorikeet {
namespace {

using ::testing::HasSubstr;

TEST(LabelsTest, AreKeysWithValues) {
  const auto label = ParseLabel("nvidia.com/gpu=A100-80GB");
  ASSERT_TRUE(label.ok()) << label.status();
  EXPECT_EQ(label->first, "nvidia.com/gpu");
  EXPECT_EQ(label->second, "A100-80GB");
}

TEST(LabelsTest, WhatIsNoneIsRefused) {
  const std::string long_word(64, 'a');
  for (const std::string& text :
       {std::string("gpu"), std::string("gpu="), std::string("=a100"), std::string("gpu=a=b"),
        std::string("g u=x"), std::string(".gpu=x"), std::string("gpu=a,b"), "gpu=" + long_word,
        long_word + "=x", std::string()}) {
    const auto label = ParseLabel(text);
    EXPECT_TRUE(absl::IsInvalidArgument(label.status())) << text;
    EXPECT_THAT(Message(label.status()), HasSubstr("such as gpu=a100")) << text;
  }
}

TEST(LabelsTest, AWorkerHasAllThatAreAsked) {
  const Labels offered = {{"gpu", "a100"}, {"zone", "x"}};
  EXPECT_TRUE(HasAll(offered, {}));
  EXPECT_TRUE(HasAll(offered, {{"zone", "x"}}));
  EXPECT_FALSE(HasAll(offered, {{"zone", "y"}}));
  EXPECT_FALSE(HasAll(offered, {{"zone", "x"}, {"rack", "1"}}));
  EXPECT_EQ(FormatLabels(offered), "gpu=a100, zone=x");
}

}  // namespace
}  // namespace lorikeet
