#include "worker/text/sentences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lorikeet::text {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Sentences, EndAtStopsBeforeWhiteSpace) {
  EXPECT_THAT(SplitSentences("Pain fell. Did it? It did! The end"),
              ElementsAre("Pain fell.", "Did it?", "It did!", "The end"));
  EXPECT_THAT(SplitSentences("pain was treated . it fell by 0.5 points . none relapsed ."),
              ElementsAre("pain was treated .", "it fell by 0.5 points .", "none relapsed ."));
  EXPECT_THAT(SplitSentences("see www.example.org for p=.05. then rest."),
              ElementsAre("see www.example.org for p=.05.", "then rest."));
}

TEST(Sentences, EndAtLineBreaks) {
  EXPECT_THAT(SplitSentences("one\ntwo\r\n\n  three  \n"), ElementsAre("one", "two", "three"));
  EXPECT_THAT(SplitSentences("See Fig.\n3. Done"), ElementsAre("See Fig.", "3.", "Done"));
  EXPECT_THAT(SplitSentences(""), IsEmpty());
  EXPECT_THAT(SplitSentences(" \n\t\r\n"), IsEmpty());
}

TEST(Sentences, KeepClosingQuotesAndBrackets) {
  EXPECT_THAT(SplitSentences("He said \"Stop.\" (She did.) \u201CGood!\u201D Then left."),
              ElementsAre("He said \"Stop.\"", "(She did.)", "\u201CGood!\u201D", "Then left."));
  EXPECT_THAT(SplitSentences("it fell ( see above . ) and rose . \u201D it ended ."),
              ElementsAre("it fell ( see above . )", "and rose . \u201D", "it ended ."));
  EXPECT_THAT(SplitSentences("what ?! no . . . yes"), ElementsAre("what ?!", "no . . .", "yes"));
}

TEST(Sentences, RunOnAfterAbbreviations) {
  EXPECT_THAT(SplitSentences("Dr. Roe, J. M. Doe et al. Found it. Others vs. Them, i.e. Us."),
              ElementsAre("Dr. Roe, J. M. Doe et al. Found it.", "Others vs. Them, i.e. Us."));
  EXPECT_THAT(SplitSentences("as in (fig. 3) and et al . report, e.g. of eqs. 4 and 5. it held."),
              ElementsAre("as in (fig. 3) and et al . report, e.g. of eqs. 4 and 5.", "it held."));
  EXPECT_THAT(SplitSentences("the answer was no. others said so. it was type fig. too"),
              ElementsAre("the answer was no.", "others said so.", "it was type fig.", "too"));
  // A letter that stands apart from its stop ends a sentence: texts that were cut into tokens have no
  // initials there.
  EXPECT_THAT(SplitSentences("given vitamin d . it helped ."),
              ElementsAre("given vitamin d .", "it helped ."));
  EXPECT_THAT(SplitSentences("Who was J? Nobody."), ElementsAre("Who was J?", "Nobody."));
}

TEST(Sentences, OfACasedTextDoNotBeginInLowerCase) {
  EXPECT_THAT(
      SplitSentences("We used approx. ten of S. aureus etc. and more. Then \"not.\" (but this. That."),
      ElementsAre("We used approx. ten of S. aureus etc. and more.", "Then \"not.\" (but this.", "That."));
  EXPECT_THAT(SplitSentences("Ended. 12 were left. \u03B1 rose."),
              ElementsAre("Ended.", "12 were left.", "\u03B1 rose."));
}

TEST(Sentences, KeepEveryByteButTheSpaceBetween) {
  const std::string text = "\xFF. \xC3 \xE2\x80. . ) x\x00y. B. ";
  std::string joined;
  for (const std::string& sentence : SplitSentences(text)) joined += sentence;
  const auto strip = [](std::string s) {
    std::erase(s, ' ');
    return s;
  };
  EXPECT_EQ(strip(joined), strip(text));
}

TEST(Sentences, APerLineOrTheTextAsItIs) {
  EXPECT_EQ(SentencePerLine("a b. C d.\nE.", "auto"), "a b. C d.\nE.");
  EXPECT_EQ(SentencePerLine("It is. So it is.", "auto"), "It is.\nSo it is.");
  EXPECT_EQ(SentencePerLine("It is. So it is.\n\n x", "newline"), "It is. So it is.\n\n x");
}

}  // namespace
}  // namespace lorikeet::text
