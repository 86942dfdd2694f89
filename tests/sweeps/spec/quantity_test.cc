#include "sweeps/spec/quantity.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

namespace lorikeet::spec {
namespace {

using std::chrono::milliseconds;

TEST(Quantity, Integers) {
  EXPECT_EQ(ParseInteger("8").value, 8);
  EXPECT_EQ(ParseInteger("+8").value, 8);
  EXPECT_EQ(ParseInteger("-3").value, -3);
  EXPECT_EQ(ParseInteger("010").value, 10);
  EXPECT_EQ(ParseInteger("9223372036854775807").value, 9223372036854775807);
  for (const char* text : {"", "-", "+", "+-8", "8.0", "1e3", "0x8", "1_000", " 8", "8 ", "eight"}) {
    EXPECT_FALSE(ParseInteger(text).value) << text;
    EXPECT_EQ(ParseInteger(text).error, NumberError::kNotANumber) << text;
  }
  EXPECT_EQ(ParseInteger("9223372036854775808").error, NumberError::kTooLarge);
  EXPECT_EQ(ParseInteger(".inf").error, NumberError::kNotFinite);
}

TEST(Quantity, Decimals) {
  EXPECT_EQ(ParseDecimal("1.0e-3").value, 0.001);
  EXPECT_EQ(ParseDecimal("1E+3").value, 1000);
  EXPECT_EQ(ParseDecimal(".5").value, 0.5);
  EXPECT_EQ(ParseDecimal("5.").value, 5);
  EXPECT_EQ(ParseDecimal("-2").value, -2);
  EXPECT_FALSE(std::signbit(ParseDecimal("-0").value.value()));
  for (const char* text : {"", ".", "-", "e3", "1e", "1e+", "1.2.3", "0x1p3", "1,5", "infinit", "1 "}) {
    EXPECT_EQ(ParseDecimal(text).error, NumberError::kNotANumber) << text;
    EXPECT_FALSE(ParseDecimal(text).value) << text;
  }
  for (const char* text : {".inf", "-.INF", "inf", ".nan", "NaN"}) {
    EXPECT_EQ(ParseDecimal(text).error, NumberError::kNotFinite) << text;
  }
  EXPECT_EQ(ParseDecimal("1e999").error, NumberError::kTooLarge);
  EXPECT_EQ(ParseDecimal("1e-999").error, NumberError::kTooLarge);
}

TEST(Quantity, Durations) {
  EXPECT_EQ(ParseDuration("30s"), milliseconds(30'000));
  EXPECT_EQ(ParseDuration("5m"), milliseconds(300'000));
  EXPECT_EQ(ParseDuration("6h"), milliseconds(21'600'000));
  EXPECT_EQ(ParseDuration("2d"), milliseconds(172'800'000));
  EXPECT_EQ(ParseDuration("250ms"), milliseconds(250));
  EXPECT_EQ(ParseDuration("1h30m"), milliseconds(5'400'000));
  EXPECT_EQ(ParseDuration("1d2h3m4s5ms"), milliseconds(93'784'005));
  EXPECT_EQ(ParseDuration("0s"), milliseconds(0));
  for (const char* text : {"", "30", "s", "30 s", "1.5h", "30m1h", "1h1h", "-5s", "5sec", "9999999999999999h",
                           "999999999999d"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
}

TEST(Quantity, Sizes) {
  EXPECT_EQ(ParseBytes("4096B"), 4096);
  EXPECT_EQ(ParseBytes("500MB"), 500'000'000);
  EXPECT_EQ(ParseBytes("2kB"), 2000);
  EXPECT_EQ(ParseBytes("10GiB"), 10'737'418'240);
  EXPECT_EQ(ParseBytes("1.5 GiB"), 1'610'612'736);
  for (const char* text : {"", "10", "GiB", "10gib", "10Gb", "-1GiB", "10GiB2", "1e3MB", "99999TiB"}) {
    EXPECT_EQ(ParseBytes(text), std::nullopt) << text;
  }
}

TEST(Quantity, NumbersAsPrinted) {
  EXPECT_EQ(FormatDecimal(0.001), "0.001");
  EXPECT_EQ(FormatDecimal(0.0001), "0.0001");
  EXPECT_EQ(FormatDecimal(1e-5), "1e-5");
  EXPECT_EQ(FormatDecimal(3e-12), "3e-12");
  EXPECT_EQ(FormatDecimal(0.3), "0.3");
  EXPECT_EQ(FormatDecimal(16), "16");
  EXPECT_EQ(FormatDecimal(100000), "100000");
  EXPECT_EQ(FormatDecimal(0), "0");
}

RC_GTEST_PROP(Quantity, WhatIsPrintedReadsBackTheSame, (double value)) {
  RC_PRE(std::isfinite(value));
  RC_ASSERT(ParseDecimal(FormatDecimal(value)).value == value);
}

RC_GTEST_PROP(Quantity, NoTextCrashes, (const std::string& text)) {
  (void)ParseInteger(text);
  (void)ParseDecimal(text);
  (void)ParseDuration(text);
  (void)ParseBytes(text);
}

}  // namespace
}  // namespace lorikeet::spec
