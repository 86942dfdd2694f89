#include "common/metric_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lorikeet {
namespace {

TEST(MetricNamesTest, AreWordsThatStandInAHeadingAndAfterAFlag) {
  for (const char* name : {"bertscore", "BERTScore-F1", "rouge1.nostem", "hits@5", "a", "chrF++", "rouge"}) {
    EXPECT_TRUE(CheckMetricName(name).ok()) << name;
  }
  EXPECT_TRUE(CheckMetricName(std::string(kMostMetricNameBytes, 'a')).ok());
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("a,b"), std::string("1a"), std::string("a\n"),
        std::string("é"), std::string("a'b"), std::string(kMostMetricNameBytes + 1, 'a')}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckMetricName(name))) << name;
  }
}

TEST(MetricNamesTest, TheTrainersOwnAreNotTaken) {
  for (const char* name :
       {"rouge1", "rouge2", "rougeL", "rougeLsum", "ROUGE1", "Rougel", "validation", "Validation_loss"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckMetricName(name))) << name;
  }
}

}  // namespace
}  // namespace lorikeet
