#include "worker/trainer/train/device.h"

#include <gtest/gtest.h>

namespace lorikeet::trainer {
namespace {

TEST(DeviceTest, Bf16IsListedAsAWordOfItsOwn) {
  EXPECT_TRUE(ListsBf16("fpu vme avx512f avx512_bf16 avx512_vnni"));
  EXPECT_TRUE(ListsBf16("fpu amx_tile amx_bf16"));
  EXPECT_TRUE(ListsBf16("fp asimd bf16"));
  EXPECT_FALSE(ListsBf16("fpu vme avx2 avx512f avx512_vnni"));
  EXPECT_FALSE(ListsBf16("svebf16x"));
  EXPECT_FALSE(ListsBf16(""));
}

}  // namespace
}  // namespace lorikeet::trainer
