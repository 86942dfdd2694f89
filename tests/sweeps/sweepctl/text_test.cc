#include "sweeps/sweepctl/text.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

namespace lorikeet::sweepctl {
namespace {

TEST(FormatDuration, PicksTheUnit) {
  EXPECT_EQ(FormatDuration(-3), "0 s");
  EXPECT_EQ(FormatDuration(0.4), "0 s");
  EXPECT_EQ(FormatDuration(42), "42 s");
  EXPECT_EQ(FormatDuration(59.6), "1 min 00 s");
  EXPECT_EQ(FormatDuration(185), "3 min 05 s");
  EXPECT_EQ(FormatDuration(7800), "2 h 10 min");
  EXPECT_EQ(FormatDuration(3 * 86400 + 4 * 3600), "3 d 4 h");
}

TEST(FormatBytes, PicksTheUnit) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(1023), "1023 B");
  EXPECT_EQ(FormatBytes(1536), "1.5 KiB");
  EXPECT_EQ(FormatBytes(std::int64_t{10} << 30), "10.0 GiB");
}

TEST(AlignColumns, PadsByCharactersNotBytes) {
  EXPECT_EQ(AlignColumns({{"A", "B"}, {"é", "1"}, {"abc", "22"}}, {1}), "A     B\né     1\nabc  22\n");
  EXPECT_EQ(AlignColumns({{"A", "B", "C"}, {"x"}, {"y", "", "z"}}), "A  B  C\nx\ny     z\n")
      << "no trailing spaces";
  EXPECT_EQ(AlignColumns({}), "");
}

TEST(CutLines, CutsByCharactersAndKeepsShortLines) {
  EXPECT_EQ(CutLines("abcdef\nabc\n", 4), "abc…\nabc\n");
  EXPECT_EQ(CutLines("éééé\néééé5", 4), "éééé\nééé…");
  EXPECT_EQ(CutLines("ab", 0), "");
  EXPECT_EQ(CutLines("ab", 1), "…");
  EXPECT_EQ(CutLines("", 5), "");
}

TEST(ProgressBar, StaysInItsWidth) {
  EXPECT_EQ(ProgressBar(0, 4, 4), "[....]");
  EXPECT_EQ(ProgressBar(1, 2, 4), "[##..]");
  EXPECT_EQ(ProgressBar(4, 4, 4), "[####]");
  EXPECT_EQ(ProgressBar(9, 4, 4), "[####]");
  EXPECT_EQ(ProgressBar(0, 0, 4), "[....]");
}

TEST(Printable, DisarmsControlCharacters) {
  EXPECT_EQ(Printable("a\x1b[31mb\nc\x7f"), "a [31mb c ");
  EXPECT_EQ(Printable("é ⁇"), "é ⁇");
  EXPECT_EQ(Printable("a\xc2\x9b"
                      "31mb"),
            "a  31mb")
      << "C1 control characters drive terminals too";
}

TEST(WantsColour, NotWithoutATerminal) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_FALSE(WantsColour(ends[1]));
  EXPECT_FALSE(IsTerminal(ends[1]));
  close(ends[0]);
  close(ends[1]);
}

TEST(WantsColour, OnATerminalUnlessNoColorIsSet) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0) GTEST_SKIP() << "no terminals here";
  unsetenv("NO_COLOR");
  EXPECT_TRUE(WantsColour(terminal));
  setenv("NO_COLOR", "", 1);
  EXPECT_TRUE(WantsColour(terminal)) << "empty is unset";
  setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(WantsColour(terminal));
  unsetenv("NO_COLOR");
  close(terminal);
}

}  // namespace
}  // namespace lorikeet::sweepctl
